import * as v from 'valibot';
import { described, flag, list, nullable, number, text } from './described.ts';

const stored = {
  blob: text('Name of the blob within its container.'),
  url: text('URL of the blob without its query.'),
  snapshot: text('Time that identifies the snapshot (x-ms-snapshot).'),
  sizeBytes: number('Size of the blob in bytes.'),
  metadata: described(v.record(v.string(), v.string()), 'Metadata of the snapshot, by name.'),
  task: nullable(
    v.string(),
    'Identifier of the run that took the snapshot; null if none of the runs kept on this machine took it.',
  ),
};

export const snapshotListSchema = described(
  v.strictObject({
    snapshots: list(v.strictObject(stored), 'The snapshots, by blob and time.'),
  }),
  'What `flashfreeze snapshots list --json` prints.',
);

export const pruneReportSchema = described(
  v.strictObject({
    pruned: list(
      v.strictObject({
        ...stored,
        deleted: flag('True if the snapshot was deleted; always false without --delete.'),
        error: nullable(
          v.string(),
          'Why the snapshot could not be deleted; null if nothing failed.',
        ),
      }),
      'The snapshots that the rule selects.',
    ),
  }),
  'What `flashfreeze snapshots prune --json` prints.',
);

export const verifyReportSchema = described(
  v.strictObject({
    task: text('Identifier of the run that was verified.'),
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
