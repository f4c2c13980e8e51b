import * as v from 'valibot';
import { described, list, nullable, text } from './described.ts';

const status = v.picklist(['ok', 'warning', 'failed']);

const check = v.strictObject({
  id: text('Name of the check, stable for scripts.'),
  status: described(
    status,
    'ok: nothing to do. warning: snapshots can be taken all the same. failed: they cannot.',
  ),
  finding: text('What was found.'),
  remedy: nullable(v.string(), 'What to do; null if nothing is to be done.'),
});

export const doctorReportSchema = described(
  v.strictObject({
    status: described(status, 'The most serious status of all checks.'),
    checks: list(check, 'The checks, in the order in which a run depends on them.'),
  }),
  'What `flashfreeze doctor --json` prints. Stable, without secrets.',
);
