import * as v from 'valibot';
import { described, list, nullable, text } from './described.ts';

const status = v.picklist(['ok', 'warning', 'failed']);

const check = v.strictObject({
  id: text('Name of the check, stable for scripts.'),
  status: described(
    status,
    'ok: nothing to do. warning: snapshots can be taken nevertheless. failed: snapshots cannot be taken, or would be worth nothing.',
  ),
  finding: text('The state that the check found, for people.'),
  remedy: nullable(v.string(), 'What to do, for people; null if there is nothing to do.'),
});

const setup = v.strictObject({
  role: described(
    v.strictObject({
      Name: text('Name of the role.'),
      Description: text('What the role is for.'),
      Actions: list(v.string(), 'Actions that the role permits.'),
      AssignableScopes: list(v.string(), 'Where the role can be assigned.'),
    }),
    'The custom role that the identity of the VM needs, as `az role definition create` takes it from role.json.',
  ),
  commands: list(
    v.string(),
    'Lines for a shell that create the role and assign it, and before that an identity if there is none; for an administrator, not for the VM.',
  ),
});

export const doctorReportSchema = described(
  v.strictObject({
    status: described(status, 'The most serious status of all checks.'),
    checks: list(check, 'The checks, in the order in which a run depends on them.'),
    managed: nullable(
      setup,
      'How the identity of the VM gets the rights for snapshots of its managed disks; null without --managed, or if the VM is not known.',
    ),
  }),
  'What `flashfreeze doctor --json` prints. Stable, without secrets.',
);
