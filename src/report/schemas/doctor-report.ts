import * as v from 'valibot';
import { described, list, nullable, text } from './described.ts';

const status = v.picklist(['ok', 'warning', 'failed']);

const check = v.strictObject({
  id: text('Name of the check, stable for scripts.'),
  status: described(
    status,
    'ok: nothing to do. warning: snapshots can be taken nevertheless. failed: snapshots cannot be taken.',
  ),
  finding: text('The state that the check found, for people.'),
  remedy: nullable(v.string(), 'What to do, for people; null if there is nothing to do.'),
});

export const doctorReportSchema = described(
  v.strictObject({
    status: described(status, 'The most serious status of all checks.'),
    checks: list(check, 'The checks, in the order in which a run depends on them.'),
  }),
  'What `flashfreeze doctor --json` prints. Stable, without secrets.',
);
