import * as v from 'valibot';
import type { ExclusionReason } from '../../filesystems/plan-types.ts';
import { described, flag, list, nullable, number, text } from './described.ts';
import { diskNames, fileSystemType, mountPoint, warnings } from './fields.ts';
import { clockState } from './run-summary.ts';

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
  'no-mount',
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

const DECISIONS = ['taken', 'left-out', 'unsupported', 'refused'] as const;

const plannedManagedDisk = v.strictObject({
  lun: nullable(v.number(), 'LUN of a data disk; null for the OS disk.'),
  role: described(v.picklist(['os', 'data']), 'What the disk is to the VM.'),
  name: text('Name of the managed disk.'),
  sku: nullable(
    v.string(),
    'Kind of the disk as Azure names it, e.g. Premium_LRS; null if the instance metadata does not say it.',
  ),
  id: nullable(v.string(), 'Resource id of the disk; null if it has none, such as a page blob.'),
  sizeBytes: nullable(
    v.number(),
    'Size in bytes as the resource manager says it; null if it was not asked, or did not say it.',
  ),
  device: nullable(
    v.string(),
    'Path of the disk on this machine, e.g. /dev/sdc; null if it is unknown, or no snapshot of the disk is taken.',
  ),
  decision: described(
    v.picklist(DECISIONS),
    'taken: a run takes its snapshot. left-out: the options leave it out. unsupported: a run leaves it out with a warning. refused: a run ends before the freeze because of it.',
  ),
  because: nullable(
    v.string(),
    'Why no snapshot of it is taken, or what is special about its snapshot, for people; null if there is nothing to say.',
  ),
  snapshot: nullable(
    v.string(),
    'Resource id that its snapshot would have; <time> and <id> stand for what differs from run to run. Null if no snapshot is taken.',
  ),
});

const plannedManaged = v.strictObject({
  vm: text('Name of the VM.'),
  disks: list(plannedManagedDisk, 'The disks of the VM: the OS disk, then the data disks by LUN.'),
  withoutSnapshot: list(
    v.string(),
    'Mount points of file systems that are frozen although no snapshot, or not one of every disk, is taken of them.',
  ),
  isWhole: flag(
    'True if a run would not be refused, and its set would contain every disk that it has to.',
  ),
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
    managed: nullable(
      plannedManaged,
      'What `flashfreeze snapshot --managed` would do; null without --managed.',
    ),
    dirtyBytes: nullable(
      v.number(),
      'Bytes of the whole machine that are still only in memory and are flushed before the freeze; null if they could not be read.',
    ),
    clock: clockState,
    expectedWindow: described(
      expectedWindow,
      'How long writers will probably be stopped, in milliseconds.',
    ),
    warnings,
  }),
  'What `flashfreeze plan --json` prints. Stable, without secrets.',
);
