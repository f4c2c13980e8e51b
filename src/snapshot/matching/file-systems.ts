import type { DiskBytes } from './bytes.ts';
import { type Evidence, evidenceOf } from './evidence.ts';

const EXT_SUPERBLOCK = 1024;
const BTRFS_SUPERBLOCK = 65_536;
const F2FS_SUPERBLOCK = 1024;
const NILFS2_SUPERBLOCK = 1024;
const SWAP_HEADER = 1024;
const SWAP_MAGIC = 'SWAPSPACE2';
/** The magic of swap space is at the end of the first page; the machine that created it determines the page size. */
const PAGE_SIZES = [4096, 8192, 16_384, 32_768, 65_536];

/** Superblocks of file systems on the bare disk, and swap space. */
export function fileSystemEvidence(disk: DiskBytes): Evidence[] {
  return [
    ...extEvidence(disk),
    ...xfsEvidence(disk),
    ...btrfsEvidence(disk),
    ...f2fsEvidence(disk),
    ...nilfs2Evidence(disk),
    ...swapEvidence(disk),
  ];
}

/**
 * Layout: Linux, Documentation/filesystems/ext4/super.rst. The magic has only 16 bits, so the block size and
 * the revision must be valid too.
 */
function extEvidence(disk: DiskBytes): Evidence[] {
  const isExt =
    disk.u16le(EXT_SUPERBLOCK + 0x38) === 0xef53 &&
    disk.u32le(EXT_SUPERBLOCK + 0x18) <= 6 &&
    disk.u32le(EXT_SUPERBLOCK + 0x4c) <= 1;
  return isExt ? evidenceOf('ext-uuid', disk.uuid(EXT_SUPERBLOCK + 0x68)) : [];
}

/** Layout: XFS Algorithms & Data Structures, superblocks (`sb_magicnum`, `sb_blocksize`, `sb_uuid`). */
function xfsEvidence(disk: DiskBytes): Evidence[] {
  const blockSize = disk.u32be(4);
  const isXfs = disk.has('XFSB', 0) && blockSize >= 512 && blockSize <= 65_536;
  return isXfs ? evidenceOf('xfs-uuid', disk.uuid(32)) : [];
}

/**
 * Layout: Linux, include/uapi/linux/btrfs_tree.h, `struct btrfs_super_block`. All devices of a file
 * system share its fsid; each has a uuid of its own in the `btrfs_dev_item` at 201.
 */
function btrfsEvidence(disk: DiskBytes): Evidence[] {
  const isBtrfs =
    disk.has('_BHRfS_M', BTRFS_SUPERBLOCK + 64) &&
    disk.u64le(BTRFS_SUPERBLOCK + 48) === BigInt(BTRFS_SUPERBLOCK);
  return isBtrfs
    ? [
        ...evidenceOf('btrfs-fsid', disk.uuid(BTRFS_SUPERBLOCK + 32)),
        ...evidenceOf('btrfs-device-uuid', disk.uuid(BTRFS_SUPERBLOCK + 201 + 66)),
      ]
    : [];
}

/** Layout: Linux, include/linux/f2fs_fs.h, `struct f2fs_super_block`. */
function f2fsEvidence(disk: DiskBytes): Evidence[] {
  const isF2fs = disk.u32le(F2FS_SUPERBLOCK) === 0xf2f52010;
  return isF2fs ? evidenceOf('f2fs-uuid', disk.uuid(F2FS_SUPERBLOCK + 0x6c)) : [];
}

/** Layout: Linux, include/uapi/linux/nilfs2_ondisk.h, `struct nilfs_super_block`; the magic has only 16 bits. */
function nilfs2Evidence(disk: DiskBytes): Evidence[] {
  const superblockBytes = disk.u16le(NILFS2_SUPERBLOCK + 0x08);
  const isNilfs2 =
    disk.u16le(NILFS2_SUPERBLOCK + 0x06) === 0x3434 &&
    disk.u32le(NILFS2_SUPERBLOCK) === 2 &&
    superblockBytes >= 0xa8 &&
    superblockBytes <= 1024;
  return isNilfs2 ? evidenceOf('nilfs2-uuid', disk.uuid(NILFS2_SUPERBLOCK + 0x98)) : [];
}

/** Layout: Linux, include/linux/swap.h, `union swap_header`. */
function swapEvidence(disk: DiskBytes): Evidence[] {
  const isSwap =
    PAGE_SIZES.some((size) => disk.has(SWAP_MAGIC, size - SWAP_MAGIC.length)) &&
    disk.u32le(SWAP_HEADER) === 1;
  return isSwap ? evidenceOf('swap-uuid', disk.uuid(SWAP_HEADER + 12)) : [];
}
