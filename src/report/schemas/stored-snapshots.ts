import * as v from 'valibot';
import { described, flag, list, nullable, number, text } from './described.ts';
import { CONSISTENCIES } from './run-summary.ts';

const WORTHS = ['complete', 'notRecorded', 'incomplete', 'inconsistent'] as const;

const place = {
  kind: described(v.picklist(['blob', 'managed']), 'What the snapshot is of.'),
  source: text('URL of the blob without its query, or resource id of the managed disk.'),
  snapshot: text(
    'Time that identifies the snapshot of a blob (x-ms-snapshot), or resource id of the snapshot of a managed disk or of the disk in a restore point of the VM.',
  ),
  takenAt: text('When the service took it by its own clock, ISO 8601 in UTC.'),
  sizeBytes: number('Size of the disk in bytes; 0 if it is not known.'),
};

const restorePoint = {
  id: text('Identifier of the restore point: that of the run.'),
  host: text('Name of the machine.'),
  vm: nullable(v.string(), 'Identifier that Azure gave the VM; null if it is not known.'),
  at: text(
    'The instant that the snapshots show, or if that was not recorded, the time of the first snapshot; ISO 8601 in UTC.',
  ),
  worth: described(
    v.picklist(WORTHS),
    'complete: every snapshot exists, and it was recorded that they can be restored together. notRecorded: every snapshot exists, and nothing more is known. incomplete: a snapshot is missing. inconsistent: it was recorded that they cannot be restored together.',
  ),
  consistency: nullable(
    v.picklist(CONSISTENCIES),
    'As the run recorded it; null if it was not recorded.',
  ),
  count: number('Number of snapshots that it was to have.'),
  present: number('Number of these that exist.'),
  sizeBytes: number('Sum of the sizes of the disks in bytes.'),
};

const member = v.strictObject({
  position: number('Position of the disk in the restore point, from 1.'),
  ...place,
});

export const snapshotListSchema = described(
  v.strictObject({
    restorePoints: nullable(
      v.array(
        v.strictObject({
          ...restorePoint,
          snapshots: list(member, 'Its snapshots, by position.'),
        }),
      ),
      'The restore points, the newest first; null with --disks.',
    ),
    others: number('Number of snapshots that belong to no restore point; 0 with --disks.'),
    snapshots: nullable(
      v.array(
        v.strictObject({
          ...place,
          metadata: described(
            v.record(v.string(), v.string()),
            'Metadata or tags of the snapshot, by name.',
          ),
          restorePoint: nullable(
            v.string(),
            'Identifier of the restore point that its metadata or tags name; null if they name none.',
          ),
        }),
      ),
      'With --disks: the single snapshots, in the order of the service; null without it.',
    ),
  }),
  'What `flashfreeze snapshots list --json` prints.',
);

export const pruneReportSchema = described(
  v.strictObject({
    restorePoints: list(
      v.strictObject({
        ...restorePoint,
        stays: flag('True if it is not to be removed.'),
        reasons: list(
          v.string(),
          'For people: the rules by which it stays, e.g. `daily 2026-11-28`, or why it is removed.',
        ),
        deletedSnapshots: number('Number of its snapshots that were deleted; 0 without --delete.'),
        errors: list(v.string(), 'Why something of it was not deleted, for people.'),
      }),
      'The restore points, the newest first.',
    ),
    others: number('Number of snapshots that belong to no restore point and were left alone.'),
  }),
  'What `flashfreeze snapshots prune --json` prints.',
);

export const verifyReportSchema = described(
  v.strictObject({
    task: text('Identifier of the run that was verified.'),
    restorable: nullable(
      v.boolean(),
      'As in the summary of the run; null if it has none. The exit code is 0 only if this is true and nothing is wrong with any snapshot.',
    ),
    verified: list(
      v.strictObject({
        blob: text('URL of the blob without its query.'),
        snapshot: nullable(
          v.string(),
          'Time that identifies the snapshot (x-ms-snapshot); null if the run took none.',
        ),
        problem: nullable(
          v.string(),
          'What is wrong with the snapshot, for people; null if nothing is.',
        ),
      }),
      'The snapshots that the run was asked for.',
    ),
  }),
  'What `flashfreeze snapshots verify --json` prints.',
);

export const deepReportSchema = described(
  v.strictObject({
    ...restorePoint,
    mountable: flag('True if the verdict is `mountable`. The exit code is 0 only then.'),
    verdict: described(
      v.picklist(['mountable', 'notProved', 'faulty']),
      'mountable: it is complete, nothing is wrong with any of its disks, and nothing on them that may hold a file system was left unread. notProved: it is complete and nothing wrong was found, but notProved of a disk names what was not looked into. faulty: it is not complete, or something is wrong with a disk.',
    ),
    disks: list(
      v.strictObject({
        position: number('Position of the disk in the restore point, from 1.'),
        ...place,
        heads: list(
          v.strictObject({
            where: text(
              '`whole disk`, the partition, or the logical volume or array whose first byte is on it.',
            ),
            kind: text('What lies there, e.g. ext, xfs or lvm.'),
            uuid: nullable(v.string(), 'UUID; null if it has none.'),
            state: described(
              v.picklist(['clean', 'needsRecovery', 'damaged', 'notLookedInto']),
              'What a mount would find.',
            ),
            detail: text('The reason, for people.'),
          }),
          'What lies on the disk; empty if it could not be read.',
        ),
        problems: list(v.string(), 'What is wrong with it, for people.'),
        notProved: list(
          v.string(),
          'What on it was not looked into, and why, for people; without what the manifest accounts for: if it names the disk and its device and leaves out no file system, and each one that was mounted from the disk, or from one that it does not name, was found clean, the rest held none.',
        ),
      }),
      'Its snapshots, by position.',
    ),
  }),
  'What `flashfreeze snapshots verify --deep --json` prints.',
);
