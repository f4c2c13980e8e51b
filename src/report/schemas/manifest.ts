import * as v from 'valibot';
import { described, flag, list, nullable, number, text } from './described.ts';
import { CONSISTENCIES } from './run-summary.ts';

const manifestDisk = v.strictObject({
  position: number('Position of the disk in the restore point, from 1.'),
  device: nullable(v.string(), 'Path of the disk on the machine, e.g. /dev/sdc.'),
  lun: nullable(v.union([v.number(), v.literal('os')]), '`os` for the OS disk.'),
  sizeBytes: nullable(v.number(), 'Size of the disk in bytes.'),
  source: text('URL of the blob without its query, or resource id of the managed disk.'),
  snapshot: nullable(
    v.string(),
    'Time of the blob’s snapshot (x-ms-snapshot), or resource id of the disk’s; null if there is none.',
  ),
  showsInstant: flag('True if the snapshot provably shows the instant of the restore point.'),
  volumes: list(
    v.string(),
    'What of LVM and md lies on the disk, e.g. `lvm data/pg` or `md md0`; empty if nothing does.',
  ),
});

const manifestFileSystem = v.strictObject({
  mountPoints: list(v.string(), 'Where it was mounted.'),
  type: text('Type, e.g. ext4.'),
  uuid: nullable(v.string(), 'UUID in its superblock.'),
  label: nullable(v.string(), 'Label in its superblock.'),
  source: text('What was mounted, e.g. /dev/mapper/data-pg.'),
  disks: list(
    v.number(),
    'Positions of the disks that it lies on; empty if the machine did not show them: then it may lie on any.',
  ),
  wasFrozen: flag('True if it was frozen at the instant of the restore point.'),
});

export const manifestSchema = described(
  v.strictObject({
    format: described(v.literal('flashfreeze restore point'), 'What the file is.'),
    formatVersion: described(v.literal(1), 'Version of its format.'),
    id: text('Identifier of the run and of the restore point.'),
    origin: described(v.picklist(['snapshot', 'extension']), 'What ran.'),
    host: text('Name of the machine.'),
    vm: nullable(v.string(), 'Identifier that Azure gave the VM.'),
    version: text('Version of flashfreeze.'),
    startedAt: text('When the run began, ISO 8601 in UTC.'),
    barrier: nullable(
      v.string(),
      'Instant that every snapshot shows, ISO 8601 in UTC; null if it was never reached.',
    ),
    consistency: described(v.picklist(CONSISTENCIES), 'As in the summary of the run.'),
    restorable: flag('As in the summary of the run.'),
    problems: list(v.string(), 'Why it is not restorable, for people; at most 20.'),
    disks: list(manifestDisk, 'The disks, by position.'),
    fileSystems: list(manifestFileSystem, 'The file systems on these disks.'),
  }),
  'What `flashfreeze snapshot` stores beside the snapshots, so that they can be understood without the VM. Without secrets.',
);
