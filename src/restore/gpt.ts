import { crc32 } from 'node:zlib';
import type { Judgement, ReadAt } from './head-types.ts';
import type { Partition } from './partitions.ts';

/** Logical block sizes of disks. */
const BLOCK_SIZES = [512, 4096];
const HEADER_BYTES = 92;
/** The UEFI specification asks for 128; more than this no tool makes. */
const MOST_ENTRIES = 1024;
const ENTRY_BYTES = { least: 128, most: 4096 };
/** Types of partitions that hold boot code or nothing, and no file system; as they are stored. */
const BOOT_TYPES = new Set([
  // BIOS boot, 21686148-6449-6e6f-744e-656564454649
  '4861682149646f6e744e656564454649',
  // PReP boot, 9e1a2d38-c612-4316-aa26-8b49521e5a8b
  '382d1a9e12c61643aa268b49521e5a8b',
  // Microsoft reserved, e3c9e316-0b5c-4db8-817d-f92df00215ae
  '16e3c9e35c0bb84d817df92df00215ae',
]);

export interface Gpt {
  readonly partitions: readonly Partition[];
  /** Said of the table itself; undefined if it is in order and has partitions. */
  readonly remark: Judgement | undefined;
}

/**
 * Reads the GPT that a protective MBR promises. The kernel takes the one at the start only, unless it was booted with `gpt`; if
 * that one is damaged and the backup at the end is not, the partitions are those of the backup. Layout: UEFI specification 2.10, 5.3.
 *
 * @param sizeBytes of the disk
 */
export async function readGpt(read: ReadAt, sizeBytes: number): Promise<Gpt> {
  for (const blockSize of BLOCK_SIZES) {
    const partitions = await readTable(read, blockSize, 1);
    if (partitions !== undefined) {
      return { partitions, remark: partitions.length === 0 ? NO_PARTITIONS : undefined };
    }
  }
  for (const blockSize of BLOCK_SIZES) {
    const last = Math.floor(sizeBytes / blockSize) - 1;
    const partitions = last > 1 ? await readTable(read, blockSize, last) : undefined;
    if (partitions !== undefined) {
      return { partitions, remark: ONLY_BACKUP };
    }
  }
  return { partitions: [], remark: NONE };
}

const NO_PARTITIONS: Judgement = {
  state: 'notLookedInto',
  detail: 'the partition table has no partitions',
};
const ONLY_BACKUP: Judgement = {
  state: 'damaged',
  detail:
    'the GPT at its start is not valid, only the backup at its end is: the kernel shows no partitions; repair it with sgdisk or gdisk',
};
const NONE: Judgement = {
  state: 'damaged',
  detail: 'it has a protective MBR, but no valid GPT, neither at its start nor at its end',
};

/** Undefined if there is no valid one whose header is in this block. */
async function readTable(
  read: ReadAt,
  blockSize: number,
  block: number,
): Promise<Partition[] | undefined> {
  const header = await read(block * blockSize, blockSize);
  if (!isHeader(header, blockSize, block)) {
    return undefined;
  }
  const count = header.readUInt32LE(80);
  const size = header.readUInt32LE(84);
  if (size < ENTRY_BYTES.least || size > ENTRY_BYTES.most || count > MOST_ENTRIES) {
    return undefined;
  }
  const entries = await read(Number(header.readBigUInt64LE(72)) * blockSize, count * size);
  return entries.length === count * size && crc32(entries) === header.readUInt32LE(88)
    ? partitionsIn(entries, size, blockSize)
    : undefined;
}

function isHeader(block: Buffer, blockSize: number, address: number): boolean {
  if (block.length < blockSize || block.toString('latin1', 0, 8) !== 'EFI PART') {
    return false;
  }
  const length = block.readUInt32LE(12);
  if (length < HEADER_BYTES || length > blockSize) {
    return false;
  }
  const header = Buffer.from(block.subarray(0, length)).fill(0, 16, 20);
  return crc32(header) === block.readUInt32LE(16) && block.readBigUInt64LE(24) === BigInt(address);
}

function partitionsIn(entries: Buffer, size: number, blockSize: number): Partition[] {
  return Array.from({ length: entries.length / size }, (_, index) => index).flatMap((index) => {
    const entry = entries.subarray(index * size, (index + 1) * size);
    const type = entry.toString('hex', 0, 16);
    if (/^0+$/.test(type)) {
      return [];
    }
    const first = Number(entry.readBigUInt64LE(32));
    const last = Number(entry.readBigUInt64LE(40));
    return [
      {
        where: `partition ${index + 1}`,
        offset: first * blockSize,
        sizeBytes: (last - first + 1) * blockSize,
        purpose: BOOT_TYPES.has(type) ? 'boot' : 'any',
      } as const,
    ];
  });
}
