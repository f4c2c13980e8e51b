import { DiskBytes } from '../snapshot/matching/bytes.ts';
import { partitionTableEvidence } from '../snapshot/matching/partition-tables.ts';
import type { DiskHeads, Extent, ReadAt } from './head-types.ts';

const MBR_ENTRIES = [446, 462, 478, 494];
const EXTENDED_TYPES = new Set([0x05, 0x0f, 0x85]);
const SECTOR_BYTES = 512;
/** The UEFI specification asks for 128; more than this no tool makes. */
const MOST_ENTRIES = 1024;
const ENTRY_BYTES = { least: 128, most: 4096 };

export interface Partition extends Extent {
  /** A container of further partitions, which are not read. */
  readonly isExtended: boolean;
}

export interface PartitionTable {
  readonly table: DiskHeads['table'];
  /** Empty without a table. */
  readonly partitions: readonly Partition[];
}

/** Reads the partition table of a disk, whose head must have been read. Layouts: UEFI specification 2.10, 5.2 and 5.3. */
export async function readPartitions(head: Buffer, read: ReadAt): Promise<PartitionTable> {
  const disk = new DiskBytes(head);
  const kinds = partitionTableEvidence(disk).map(({ kind }) => kind);
  if (kinds.includes('gpt-disk-guid')) {
    return { table: 'gpt', partitions: await gptPartitions(disk, read) };
  }
  return kinds.includes('mbr-partitions')
    ? { table: 'mbr', partitions: mbrPartitions(disk) }
    : { table: 'none', partitions: [] };
}

function mbrPartitions(disk: DiskBytes): Partition[] {
  return MBR_ENTRIES.flatMap((offset, index) => {
    const type = disk.slice(offset + 4, 1)[0] ?? 0;
    return type === 0
      ? []
      : [
          {
            where: `partition ${index + 1}`,
            offset: disk.u32le(offset + 8) * SECTOR_BYTES,
            sizeBytes: disk.u32le(offset + 12) * SECTOR_BYTES,
            isExtended: EXTENDED_TYPES.has(type),
          },
        ];
  });
}

async function gptPartitions(disk: DiskBytes, read: ReadAt): Promise<Partition[]> {
  const blockSize = disk.has('EFI PART', SECTOR_BYTES) ? SECTOR_BYTES : 4096;
  const entriesAt = Number(disk.u64le(blockSize + 72)) * blockSize;
  const count = Math.min(disk.u32le(blockSize + 80), MOST_ENTRIES);
  const size = disk.u32le(blockSize + 84);
  if (size < ENTRY_BYTES.least || size > ENTRY_BYTES.most) {
    return [];
  }
  const entries = await read(entriesAt, count * size);
  return Array.from({ length: Math.floor(entries.length / size) }, (_, index) => index).flatMap(
    (index) => {
      const entry = entries.subarray(index * size, (index + 1) * size);
      if (entry.subarray(0, 16).every((byte) => byte === 0)) {
        return [];
      }
      const first = Number(entry.readBigUInt64LE(32));
      const last = Number(entry.readBigUInt64LE(40));
      return [
        {
          where: `partition ${index + 1}`,
          offset: first * blockSize,
          sizeBytes: (last - first + 1) * blockSize,
          isExtended: false,
        },
      ];
    },
  );
}
