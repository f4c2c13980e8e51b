import * as v from 'valibot';
import type { ExclusionReason } from '../../filesystems/plan-types.ts';
import { described, flag, list, nullable, number, text } from './described.ts';
import { diskNames, fileSystemType, mountPoint, warnings } from './fields.ts';

const EXCLUSION_REASONS = [
  'read-only',
  'network',
  'pseudo',
  'temporary-disk',
  'skipped',
  'not-selected',
  'not-freezable',
  'no-block-device',
  'hidden',
  'other-namespace',
  'no-answer',
  'dead',
  'not-openable',
] as const satisfies readonly ExclusionReason[];

const plannedFileSystem = v.strictObject({
  mountPoint,
  type: fileSystemType,
  source: text('What was mounted, e.g. /dev/sdc1.'),
  disks: diskNames,
  wave: number(
    'Number of its wave, from 1: the file systems of one wave are frozen at the same time, one wave after the other.',
  ),
  thawsAfter: list(v.string(), 'Mount points of the file systems that are thawed before this one.'),
  usedBytes: nullable(v.number(), 'Used space in bytes; null if it could not be read.'),
});

const plannedDisk = v.strictObject({
  device: text('Path of the disk, e.g. /dev/sdc.'),
  lun: nullable(v.number(), 'LUN of a data disk of the VM; null if the machine shows none.'),
  role: nullable(
    v.string(),
    'What the disk is to the VM: os, data or temporary; null if the machine does not show it.',
  ),
  sizeBytes: number('Size in bytes.'),
  dirtyBytes: nullable(
    v.number(),
    'Bytes written to the disk that are still only in memory; null if they could not be read.',
  ),
  frozen: flag('True if at least one file system on the disk is frozen.'),
});

const plannedExclusion = v.strictObject({
  mountPoint: text('Mount point of the file system.'),
  type: fileSystemType,
  reason: described(
    v.picklist(EXCLUSION_REASONS),
    'Why the file system is not frozen, for programs.',
  ),
  because: text('Why the file system is not frozen, for people.'),
});

const plannedBlob = v.strictObject({
  blob: text('URL of the blob without its query.'),
  device: nullable(
    v.string(),
    'Path of the disk behind the blob, e.g. /dev/sdc; null if no disk of this machine could be matched.',
  ),
  because: text('How the disk was found, for people; without a disk, where to find the reason.'),
});

const expectedWindow = v.strictObject({
  low: number('Milliseconds if all goes well.'),
  high: number('Milliseconds if it takes as long as can reasonably be expected.'),
  reasons: list(v.string(), 'Sentences for people: what the estimate is based on.'),
});

export const planSummarySchema = described(
  v.strictObject({
    fileSystems: list(plannedFileSystem, 'File systems to freeze, in the order of freezing.'),
    disks: list(
      plannedDisk,
      'The whole disks under these file systems, then the other whole disks of the machine.',
    ),
    excluded: list(plannedExclusion, 'File systems that are not frozen.'),
    blobs: list(plannedBlob, 'The blobs that were given, in their order.'),
    dirtyBytes: nullable(
      v.number(),
      'Bytes of the whole machine that are still only in memory and are flushed before the freeze; null if they could not be read.',
    ),
    expectedWindow: described(
      expectedWindow,
      'How long writers will probably be stopped, in milliseconds.',
    ),
    warnings,
  }),
  'What `flashfreeze plan --json` prints. Stable, without secrets.',
);
