import * as v from 'valibot';
import { described, list, nullable, number, text } from './described.ts';

export const runListSchema = described(
  v.strictObject({
    runs: list(
      v.strictObject({
        path: text('Path of the file of the run, for `flashfreeze report`.'),
        host: nullable(
          v.string(),
          'Host name of the machine; null if the file is damaged or an older version wrote it.',
        ),
        origin: nullable(v.string(), 'snapshot, freeze or extension; null if the file is damaged.'),
        writtenAt: nullable(
          v.string(),
          'When the file was written, ISO 8601 in UTC; null if the file is damaged.',
        ),
        taskId: nullable(v.string(), 'Identifier of the run; null if the file is damaged.'),
        consistency: nullable(
          v.string(),
          'What the snapshots are worth together; null if nothing was frozen or the file is damaged.',
        ),
        code: nullable(
          v.number(),
          'Result code; null if nothing was frozen or the file is damaged.',
        ),
        error: nullable(
          v.string(),
          'Code of the error that ended the run before anything was frozen, FF_RUN_FILE_INVALID if the file is damaged, or FF_RUN_FILE_VERSION if another version wrote it; null otherwise.',
        ),
        disks: number('Number of snapshots that were requested.'),
        windowMs: nullable(
          v.number(),
          'Longest window of a file system, in milliseconds; null if nothing was frozen.',
        ),
      }),
      'The kept runs, the newest first.',
    ),
  }),
  'What `flashfreeze report --list --json` prints.',
);
