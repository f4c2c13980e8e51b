import type { ReadAt } from './head-types.ts';
import type { MdPart } from './volume-types.ts';

const MAGIC = 0xa92b4efc;
const SECTOR_BYTES = 512;
const SUPERBLOCK_BYTES = 4096;
const FIXED_BYTES = 256;
const MOST_ROLES = (SUPERBLOCK_BYTES - FIXED_BYTES) / 2;
const RESHAPING = 0x4;

/**
 * The superblock of a member of an md array: version 1.1 at its start, 1.2 at 4 KiB, 1.0 near its end. Undefined if there is
 * none. Layout: Linux, include/uapi/linux/raid/md_p.h, `struct mdp_superblock_1`.
 *
 * @param head the member's first bytes
 * @param read relative to the member
 */
export async function readMdMember(
  head: Buffer,
  read: ReadAt,
  sizeBytes: number,
): Promise<MdPart | undefined> {
  const end = endOffset(sizeBytes);
  const atEnd = end > 0 ? await read(end, SUPERBLOCK_BYTES) : Buffer.alloc(0);
  return (
    superblockIn(atEnd, end) ??
    superblockIn(head.subarray(0, SUPERBLOCK_BYTES), 0) ??
    superblockIn(head.subarray(SUPERBLOCK_BYTES, 2 * SUPERBLOCK_BYTES), SUPERBLOCK_BYTES)
  );
}

/** At least 8 KiB before the end, on a multiple of 4 KiB. */
function endOffset(sizeBytes: number): number {
  const sectors = Math.floor(sizeBytes / SECTOR_BYTES) - 16;
  return Math.max(0, sectors - (sectors % 8)) * SECTOR_BYTES;
}

function superblockIn(bytes: Buffer, at: number): MdPart | undefined {
  if (
    bytes.length < SUPERBLOCK_BYTES ||
    bytes.readUInt32LE(0) !== MAGIC ||
    bytes.readUInt32LE(4) !== 1 ||
    Number(bytes.readBigUInt64LE(144)) * SECTOR_BYTES !== at
  ) {
    return undefined;
  }
  const roleCount = bytes.readUInt32LE(220);
  if (roleCount > MOST_ROLES || bytes.readUInt32LE(216) !== checksumOf(bytes, roleCount)) {
    return undefined;
  }
  const memberCount = bytes.readUInt32LE(92);
  if (memberCount > MOST_ROLES) {
    return undefined;
  }
  const roles = Array.from({ length: roleCount }, (_, index) =>
    bytes.readUInt16LE(FIXED_BYTES + index * 2),
  );
  const own = roles[bytes.readUInt32LE(160)];
  const arrayUuid = uuidIn(bytes.subarray(16, 32));
  return {
    kind: 'md',
    arrayUuid,
    name: bytes.toString('utf8', 32, 64).replaceAll('\0', '') || arrayUuid,
    level: bytes.readInt32LE(72),
    memberCount,
    role: own !== undefined && own < memberCount ? own : undefined,
    activeRoles: roles.filter((role) => role < memberCount),
    events: bytes.readBigUInt64LE(200),
    chunkBytes: bytes.readUInt32LE(88) * SECTOR_BYTES,
    dataOffset: Number(bytes.readBigUInt64LE(128)) * SECTOR_BYTES,
    dataBytes: dataBytesIn(bytes),
    isReshaping: (bytes.readUInt32LE(8) & RESHAPING) !== 0,
  };
}

/** A mirror uses `size` of each member; a stripe set has no such size and uses all data. */
function dataBytesIn(bytes: Buffer): number {
  const used = Number(bytes.readBigUInt64LE(80));
  const available = Number(bytes.readBigUInt64LE(136));
  return (used === 0 ? available : Math.min(used, available)) * SECTOR_BYTES;
}

/** Sum of the words, with carries added (`calc_sb_1_csum` in drivers/md/md.c). */
function checksumOf(bytes: Buffer, roleCount: number): number {
  const length = FIXED_BYTES + roleCount * 2;
  let sum = 0n;
  for (let at = 0; at + 4 <= length; at += 4) {
    sum += at === 216 ? 0n : BigInt(bytes.readUInt32LE(at));
  }
  if (length % 4 === 2) {
    sum += BigInt(bytes.readUInt16LE(length - 2));
  }
  return Number(((sum & 0xffffffffn) + (sum >> 32n)) & 0xffffffffn);
}

function uuidIn(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
