import { DiskBytes } from '../snapshot/matching/bytes.ts';
import { partitionTableEvidence } from '../snapshot/matching/partition-tables.ts';
import { readGpt } from './gpt.ts';
import type { DiskHeads, Extent, Judgement, ReadAt } from './head-types.ts';

const MBR_ENTRIES = [446, 462, 478, 494];
const MBR_END = 510;
const PROTECTIVE = 0xee;
const EXTENDED_TYPES = new Set([0x05, 0x0f, 0x85]);
const SECTOR_BYTES = 512;

export interface Partition extends Extent {
  /** `extended`: a container of further partitions, which are not read. `boot`: for boot code, without a file system. */
  readonly purpose: 'any' | 'extended' | 'boot';
}

export interface PartitionTable {
  readonly table: DiskHeads['table'];
  /** Empty without a table. */
  readonly partitions: readonly Partition[];
  /** Said of the table itself; undefined if there is nothing to say. */
  readonly remark: Judgement | undefined;
}

/**
 * Reads the partition table of a disk, whose head must have been read. Layouts: UEFI specification 2.10, 5.2 and 5.3.
 *
 * @param sizeBytes of the disk
 */
export async function readPartitions(
  head: Buffer,
  read: ReadAt,
  sizeBytes: number,
): Promise<PartitionTable> {
  const disk = new DiskBytes(head);
  if (isProtective(disk)) {
    return { table: 'gpt', ...(await readGpt(read, sizeBytes)) };
  }
  const isMbr = partitionTableEvidence(disk).some(({ kind }) => kind === 'mbr-partitions');
  return isMbr
    ? { table: 'mbr', partitions: mbrPartitions(disk), remark: undefined }
    : { table: 'none', partitions: [], remark: undefined };
}

/** As for the kernel, one protective entry is enough (`is_pmbr_valid` in block/partitions/efi.c). */
function isProtective(disk: DiskBytes): boolean {
  return (
    disk.u16le(MBR_END) === 0xaa55 &&
    MBR_ENTRIES.some(
      (offset) => typeAt(disk, offset) === PROTECTIVE && disk.u32le(offset + 8) === 1,
    )
  );
}

function typeAt(disk: DiskBytes, offset: number): number {
  return disk.slice(offset + 4, 1)[0] ?? 0;
}

function mbrPartitions(disk: DiskBytes): Partition[] {
  return MBR_ENTRIES.flatMap((offset, index) => {
    const type = typeAt(disk, offset);
    return type === 0
      ? []
      : [
          {
            where: `partition ${index + 1}`,
            offset: disk.u32le(offset + 8) * SECTOR_BYTES,
            sizeBytes: disk.u32le(offset + 12) * SECTOR_BYTES,
            purpose: EXTENDED_TYPES.has(type) ? 'extended' : 'any',
          } as const,
        ];
  });
}
