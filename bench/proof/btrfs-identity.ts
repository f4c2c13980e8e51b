import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Where btrfs keeps its superblock and the first copy of it ("On-disk format"). */
const SUPERBLOCK_OFFSETS = [0x1_0000, 0x400_0000];
const SUPERBLOCK_BYTES = 4096;
const FSID = 0x20;
const MAGIC = 0x40;
const LOG_ROOT = 0x60;
const INCOMPAT_FLAGS = 0xbc;
const CHECKSUM_TYPE = 0xc4;
const METADATA_UUID = 0x23b;
const UUID_BYTES = 16;
const HAS_METADATA_UUID = 1n << 10n;
const CRC32C = 0;

/**
 * Gives the copy of a btrfs file system a new fsid, on all of its device images alike. The kernel
 * and btrfs-progs find the devices of a file system by fsid, so a copy beside its mounted original
 * would be taken for it: refused at best, the original's second device checked at worst. As with
 * `btrfstune -M`, only the superblocks change: the metadata blocks keep the old id, which
 * the superblock then names as metadata_uuid. btrfstune itself looks for the second device by the
 * old id and so cannot be used here.
 */
export async function giveNewFsid(images: readonly string[]): Promise<void> {
  const fsid = randomBytes(UUID_BYTES);
  for (const image of images) {
    await rewriteSuperblocks(image, fsid);
  }
}

/** Whether mounting it would replay the tree log; a frozen file system has none. */
export async function hasTreeLog(image: string): Promise<boolean> {
  await using file = await open(image, 'r');
  const superblock = Buffer.alloc(SUPERBLOCK_BYTES);
  await file.read(superblock, 0, SUPERBLOCK_BYTES, SUPERBLOCK_OFFSETS[0]);
  return superblock.readBigUInt64LE(LOG_ROOT) !== 0n;
}

async function rewriteSuperblocks(image: string, fsid: Buffer): Promise<void> {
  await using file = await open(image, 'r+');
  const { size } = await file.stat();
  for (const offset of SUPERBLOCK_OFFSETS.filter((it) => it + SUPERBLOCK_BYTES <= size)) {
    const superblock = Buffer.alloc(SUPERBLOCK_BYTES);
    await file.read(superblock, 0, SUPERBLOCK_BYTES, offset);
    await file.write(withFsid(superblock, fsid), 0, SUPERBLOCK_BYTES, offset);
  }
}

/** The same superblock under another fsid. Throws if it is none, or has another checksum type. */
export function withFsid(superblock: Buffer, fsid: Buffer): Buffer {
  if (superblock.toString('latin1', MAGIC, MAGIC + 8) !== '_BHRfS_M') {
    throw new Error('not a btrfs superblock');
  }
  if (superblock.readUInt16LE(CHECKSUM_TYPE) !== CRC32C) {
    throw new Error('btrfs checksums other than crc32c are not supported');
  }
  const changed = Buffer.from(superblock);
  const flags = changed.readBigUInt64LE(INCOMPAT_FLAGS);
  if ((flags & HAS_METADATA_UUID) === 0n) {
    changed.copy(changed, METADATA_UUID, FSID, FSID + UUID_BYTES);
    changed.writeBigUInt64LE(flags | HAS_METADATA_UUID, INCOMPAT_FLAGS);
  }
  fsid.copy(changed, FSID);
  changed.writeUInt32LE(crc32c(changed.subarray(FSID)), 0);
  return changed;
}

const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    value = (value & 1) === 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  }
  return value;
});

/** CRC-32 with the Castagnoli polynomial, which zlib does not have. */
export function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc = (CRC32C_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
