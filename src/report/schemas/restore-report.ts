import * as v from 'valibot';
import { described, flag, list, nullable, number, text } from './described.ts';

const restoredDisk = v.strictObject({
  position: number('Position of the disk in the restore point, from 1.'),
  lun: nullable(v.union([v.number(), v.literal('os')]), '`os` for the OS disk.'),
  device: nullable(v.string(), 'Path of the disk on the machine, e.g. /dev/sdc.'),
  source: text('URL of the blob without its query, or resource id of the managed disk.'),
  snapshot: text(
    'Time that identifies the snapshot of a blob (x-ms-snapshot), or resource id of the snapshot of a managed disk or of the disk in a restore point of the VM.',
  ),
  sizeBytes: number('Size of the disk in bytes; 0 if it is not known.'),
  name: text('Name of the new blob in its container, or of the new managed disk.'),
  url: nullable(v.string(), 'URL of the new blob without a query; null for a managed disk.'),
  diskId: nullable(
    v.string(),
    'Resource id of the new managed disk, which exists if the state is created or existed; null for a blob.',
  ),
  state: described(
    v.picklist(['planned', 'created', 'existed', 'failed']),
    'planned: a dry run; created: it was made and verified; existed: an earlier call had made it, and it was verified; failed: see error.',
  ),
  error: nullable(v.string(), 'Why it failed, for people.'),
});

export const restoreReportSchema = described(
  v.strictObject({
    restorePoint: text('Identifier of the restore point.'),
    host: text('Name of the machine that it is of.'),
    worth: described(
      v.picklist(['complete', 'notRecorded', 'incomplete', 'inconsistent']),
      'As `flashfreeze snapshots list` says.',
    ),
    isDryRun: flag('True without --create: nothing was made.'),
    disks: list(restoredDisk, 'The OS disk first, then by LUN, then by position.'),
    missing: list(v.number(), 'Positions that have no snapshot; empty if it is not incomplete.'),
    azLines: list(
      v.string(),
      'Lines for the Azure CLI that make managed disks of it, as far as they were not made, and attach them; words in angle brackets are to be replaced.',
    ),
    warnings: list(
      v.string(),
      'What to mind before the disks are made, attached or mounted, for people.',
    ),
  }),
  'What `flashfreeze restore --json` prints.',
);
