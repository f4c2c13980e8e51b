import { jsonText, printableTexts } from '../log/printable.ts';
import { colors } from '../report/colors.ts';
import type { Check, DoctorReport, Examination } from './doctor-types.ts';
import { folded } from './folded.ts';

const SIGNS: Readonly<Record<Check['status'], string>> = { ok: '✓', warning: '!', failed: '✗' };
const COLOURS = { ok: colors.green, warning: colors.yellow, failed: colors.red } as const;
/** As many checks of one kind with one result are shown. */
const SHOWN_OF_A_KIND = 3;

/** The report as `--json` prints it. */
export function reportOf({ checks, ...rest }: Examination): DoctorReport {
  return { ...rest, checks: checks.map(({ brief: _, ...check }) => check) };
}

/**
 * The checks as text for people.
 *
 * @param showsAll false: long lists are cut, with the number of what is left out
 */
export function renderDoctor(examination: Examination, showsAll: boolean): string {
  const { status, checks, managed } = printableTexts(examination);
  const verdict = {
    ok: '✓ everything is in order',
    warning: '! snapshots can be taken; see the warnings',
    failed: '✗ snapshots cannot be taken, or are worth nothing, until the failed checks are fixed',
  };
  return [
    ...(showsAll ? checks.map((it) => renderCheck(it.finding, it)) : renderBriefly(checks)),
    '',
    COLOURS[status](verdict[status]),
    ...renderSetup(managed),
  ].join('\n');
}

/** Checks of one kind stand together. */
function renderBriefly(checks: readonly Check[]): string[] {
  const kinds = Map.groupBy(checks, ({ id, status, remedy }) => `${id} ${status} ${remedy}`);
  return [...kinds.values()].flatMap((ofKind) => {
    const { first, more } = folded(ofKind, SHOWN_OF_A_KIND);
    const lines = first.map((it) => renderCheck(it.brief ?? it.finding, it));
    const [{ id, status } = { id: '', status: 'ok' as const }] = ofKind;
    return more === 0 ? lines : [...lines, `${head(id, status)}: ${more} more; --all shows them`];
  });
}

function renderCheck(finding: string, { id, status, remedy }: Check): string {
  const line = `${head(id, status)}: ${finding}`;
  return remedy === null ? line : `${line}\n    → ${remedy}`;
}

function head(id: string, status: Check['status']): string {
  return COLOURS[status](`${SIGNS[status]} ${id}`);
}

function renderSetup(managed: DoctorReport['managed']): string[] {
  if (managed === null) {
    return [];
  }
  const { role, commands } = managed;
  return [
    '',
    'The role that the identity of the VM needs, for role.json:',
    jsonText(role),
    '',
    'How an administrator creates and assigns it:',
    ...commands,
  ];
}
