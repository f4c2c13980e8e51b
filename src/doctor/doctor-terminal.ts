import { printableTexts } from '../log/printable.ts';
import { colors } from '../report/colors.ts';
import type { Check, DoctorReport } from './doctor-types.ts';

const SIGNS: Readonly<Record<Check['status'], string>> = { ok: '✓', warning: '!', failed: '✗' };

/** The checks as text for people. */
export function renderDoctor(report: DoctorReport): string {
  const { status, checks, managed } = printableTexts(report);
  const colour = { ok: colors.green, warning: colors.yellow, failed: colors.red };
  const lines = checks.map(({ id, status: it, finding, remedy }) => {
    const line = `${colour[it](`${SIGNS[it]} ${id}`)}: ${finding}`;
    return remedy === null ? line : `${line}\n    → ${remedy}`;
  });
  const verdict = {
    ok: '✓ everything is in order',
    warning: '! snapshots can be taken; see the warnings',
    failed: '✗ snapshots cannot be taken until the failed checks are fixed',
  };
  return [...lines, '', colour[status](verdict[status]), ...renderSetup(managed)].join('\n');
}

function renderSetup(managed: DoctorReport['managed']): string[] {
  if (managed === null) {
    return [];
  }
  const { role, commands } = managed;
  return [
    '',
    'The role that the identity of the VM needs, for role.json:',
    JSON.stringify(role, null, 2),
    '',
    'How an administrator creates and assigns it:',
    ...commands,
  ];
}
