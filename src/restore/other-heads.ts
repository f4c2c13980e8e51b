import { tooLong } from './ext-head.ts';
import type { BtrfsDevice, Judgement, ReadAt } from './head-types.ts';

const BTRFS_SUPERBLOCK = 65_536;
const BTRFS_SUPERBLOCK_BYTES = 4096;
/** `BTRFS_SUPER_FLAG_SEEDING` */
const SEEDING = 1n << 32n;

/**
 * Judges one device of a btrfs. A freeze commits the transaction, after which no log tree is left; without a freeze, an fsync
 * leaves one, which the next mount replays. Layout: Linux, include/uapi/linux/btrfs_tree.h, `struct btrfs_super_block`.
 *
 * @param read relative to the file system
 */
export async function judgeBtrfs(read: ReadAt, sizeBytes: number): Promise<Judgement> {
  const superblock = await read(BTRFS_SUPERBLOCK, BTRFS_SUPERBLOCK_BYTES);
  if (superblock.length < BTRFS_SUPERBLOCK_BYTES) {
    return { state: 'damaged', detail: 'its superblock is cut off' };
  }
  // The device's own size is in its `btrfs_dev_item`, at 201.
  const needed = Number(superblock.readBigUInt64LE(201 + 8));
  if (needed > sizeBytes) {
    return tooLong(needed, sizeBytes);
  }
  if (
    superblock.readUInt16LE(196) === 0 &&
    superblock.readUInt32LE(0) !== crc32c(superblock.subarray(32))
  ) {
    return { state: 'damaged', detail: 'the checksum of its superblock is wrong' };
  }
  if (superblock.readBigUInt64LE(96) !== 0n) {
    return { state: 'needsRecovery', detail: 'its log tree has to be replayed' };
  }
  const devices = Number(superblock.readBigUInt64LE(136));
  return {
    state: 'clean',
    detail:
      devices > 1
        ? `it has no log tree; it needs all of its ${devices} devices`
        : 'it has no log tree',
  };
}

/**
 * What a superblock says of the file system that its device is a part of; undefined if it is cut off.
 *
 * @param read relative to the file system
 * @param fsid undefined if there is none
 */
export async function readBtrfsDevice(
  read: ReadAt,
  fsid: string | undefined,
): Promise<BtrfsDevice | undefined> {
  const superblock = await read(BTRFS_SUPERBLOCK, BTRFS_SUPERBLOCK_BYTES);
  return fsid === undefined || superblock.length < BTRFS_SUPERBLOCK_BYTES
    ? undefined
    : {
        fsid,
        deviceId: superblock.readBigUInt64LE(201),
        deviceCount: Number(superblock.readBigUInt64LE(136)),
        generation: superblock.readBigUInt64LE(72),
        isSeed: (superblock.readBigUInt64LE(56) & SEEDING) !== 0n,
      };
}

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
    }
  }
  return (crc ^ 0xffffffff) >>> 0;
}

export interface Vfat extends Judgement {
  /** The volume's serial number as blkid(8) prints it. */
  readonly uuid: string;
}

/**
 * Recognizes FAT12, FAT16 and FAT32 by their boot sector. They have no journal; the mark `dirty` stays set while one is
 * mounted, also while it is frozen, and a mount only warns of it. Undefined if it is none. Pure.
 */
export function vfatIn(head: Buffer): Vfat | undefined {
  if (head.length < 512 || head.readUInt16LE(510) !== 0xaa55) {
    return undefined;
  }
  const is32 = head.toString('latin1', 82, 87) === 'FAT32';
  if (!is32 && !/^FAT1[26]$/.test(head.toString('latin1', 54, 59))) {
    return undefined;
  }
  const serial = head
    .readUInt32LE(is32 ? 67 : 39)
    .toString(16)
    .padStart(8, '0')
    .toUpperCase();
  const isDirty = (head.readUInt8(is32 ? 65 : 37) & 1) === 1;
  return {
    uuid: `${serial.slice(0, 4)}-${serial.slice(4)}`,
    state: 'clean',
    detail: isDirty
      ? 'it has no journal; its dirty mark is set, as on every mounted one, and a mount warns of it'
      : 'it has no journal; its dirty mark is not set',
  };
}
