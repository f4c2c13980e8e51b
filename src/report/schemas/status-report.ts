import * as v from 'valibot';
import { described, flag, list, nullable, number, text } from './described.ts';

const status = v.picklist(['ok', 'warning', 'critical', 'unknown']);

const finding = v.strictObject({
  id: text('Name of the finding, stable for scripts.'),
  status: described(status, 'How serious it is.'),
  finding: text('What is wrong, for people.'),
  remedy: text('What to do, for people.'),
});

const run = v.strictObject({
  path: text('Path of the file of the run, for `flashfreeze report`.'),
  writtenAt: text('When the run ended, ISO 8601 in UTC.'),
  origin: text('snapshot or extension.'),
  result: described(
    v.picklist(['success', 'failed', 'refused']),
    'success: the set can be restored. refused: the run ended before anything was frozen.',
  ),
  consistency: nullable(v.string(), 'What the snapshots are worth together; null if refused.'),
  error: nullable(v.string(), 'Error code of a refused run; null otherwise.'),
  disks: number('Number of snapshots that were requested.'),
  snapshots: number('Number of snapshots that were taken.'),
  unprotected: nullable(v.number(), 'Number of disks without a snapshot; null if it is not known.'),
  windowMs: nullable(
    v.number(),
    'Longest time that writers were blocked, in milliseconds; null if refused.',
  ),
  restorePoint: text('Identifier of the run and of its restore point.'),
});

export const statusReportSchema = described(
  v.strictObject({
    status: described(
      status,
      'The most serious status of all findings; the exit code is 0 (ok), 1 (warning), 2 (critical) or 3 (unknown).',
    ),
    host: text('Host name of the machine.'),
    checkedAt: text('When it was looked, ISO 8601 in UTC.'),
    maxAgeHours: number('Age of the last success above which the status is critical, in hours.'),
    lastSuccess: nullable(
      v.string(),
      'When the last successful run ended, ISO 8601 in UTC; null if no kept run was one.',
    ),
    findings: list(finding, 'What is wrong, the most serious first; empty if nothing is.'),
    runs: list(
      run,
      'The latest runs that took snapshots or tried to, the newest first; those whose time is in the future come last.',
    ),
    schedule: nullable(
      v.strictObject({
        timer: text('Name of the systemd timer.'),
        isActive: flag('True if the timer runs.'),
        next: nullable(
          v.string(),
          'When it starts the next run, ISO 8601 in UTC; null if it is not known.',
        ),
        last: nullable(
          v.string(),
          'When it started a run last, ISO 8601 in UTC; null if it is not known.',
        ),
      }),
      'The schedule; null if this machine has no such timer.',
    ),
  }),
  'What `flashfreeze status --json` prints. Stable, without secrets.',
);
