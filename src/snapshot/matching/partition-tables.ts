import { crc32 } from 'node:zlib';
import type { DiskBytes } from './bytes.ts';
import { type Evidence, evidenceOf } from './evidence.ts';

/** Logical block sizes of disks; the GPT header is in the second block. */
const BLOCK_SIZES = [512, 4096];
const GPT_HEADER_BYTES = 92;

const MBR_SIGNATURE = 440;
const MBR_ENTRIES = [446, 462, 478, 494];
const MBR_ENTRY_BYTES = 16;
const MBR_END = 510;
const PROTECTIVE = 0xee;

interface PartitionEntry {
  readonly status: number;
  readonly type: number;
  readonly firstSector: number;
  readonly sectors: number;
}

/**
 * Evidence of a GPT or an MBR. As in the kernel, a GPT counts only after a protective MBR, and if its
 * checksum and its own address are correct. Layout: UEFI specification 2.10, 5.2 and 5.3.
 */
export function partitionTableEvidence(disk: DiskBytes): Evidence[] {
  if (disk.u16le(MBR_END) !== 0xaa55) {
    return [];
  }
  const entries = MBR_ENTRIES.map((offset) => readEntry(disk, offset));
  return entries.some(({ type }) => type === PROTECTIVE)
    ? gptEvidence(disk)
    : mbrEvidence(disk, entries);
}

function gptEvidence(disk: DiskBytes): Evidence[] {
  const blockSize = BLOCK_SIZES.find((size) => isGptHeader(disk, size));
  return blockSize === undefined ? [] : evidenceOf('gpt-disk-guid', disk.guid(blockSize + 56));
}

function isGptHeader(disk: DiskBytes, blockSize: number): boolean {
  const length = disk.u32le(blockSize + 12);
  if (!disk.has('EFI PART', blockSize) || length < GPT_HEADER_BYTES || length > blockSize) {
    return false;
  }
  const header = Buffer.from(disk.slice(blockSize, length));
  header.fill(0, 16, 20);
  return crc32(header) === disk.u32le(blockSize + 16) && disk.u64le(blockSize + 24) === 1n;
}

function readEntry(disk: DiskBytes, offset: number): PartitionEntry {
  return {
    status: disk.slice(offset, 1)[0] ?? 0,
    type: disk.slice(offset + 4, 1)[0] ?? 0,
    firstSector: disk.u32le(offset + 8),
    sectors: disk.u32le(offset + 12),
  };
}

/**
 * The boot sector of a FAT file system ends like an MBR, and its boot code is equal on every disk, so the
 * signature counts only if the partition table is plausible.
 */
function mbrEvidence(disk: DiskBytes, entries: readonly PartitionEntry[]): Evidence[] {
  const used = entries.filter(({ type }) => type !== 0);
  const isPlausible =
    used.length > 0 &&
    entries.every(({ status }) => status === 0 || status === 0x80) &&
    used.every(({ firstSector, sectors }) => firstSector > 0 && sectors > 0);
  if (!isPlausible) {
    return [];
  }
  const table = disk.slice(MBR_ENTRIES[0] ?? 0, MBR_ENTRIES.length * MBR_ENTRY_BYTES);
  const partitions: Evidence = { kind: 'mbr-partitions', value: table.toString('hex') };
  const signature = disk.u32le(MBR_SIGNATURE);
  return signature === 0
    ? [partitions]
    : [{ kind: 'mbr-signature', value: hexadecimal(signature) }, partitions];
}

function hexadecimal(number: number): string {
  return number.toString(16).padStart(8, '0');
}
