import { printableTexts } from '../log/printable.ts';
import { describeClock } from '../system/clock-state.ts';
import { colors } from './colors.ts';
import type { FreezeSummary } from './freeze-summary.ts';
import { headlineOf, sentenceOf } from './headline.ts';
import { inNaturalOrder } from './natural-order.ts';
import { commandVerdict, type RunSummary } from './summary.ts';
import { renderTable } from './table.ts';

/** The tables and sentences at the end of a run, for people. */
export function renderSummary(run: RunSummary): string {
  const summary = printableTexts(run);
  return [
    renderFileSystems(summary),
    '',
    renderDisks(summary),
    '',
    ...renderApplication(summary),
    ...renderRemarks({ warnings: summary.warnings, problems: problemsOf(summary) }),
    ...headlineFor(summary),
    renderVerdict(summary),
  ].join('\n');
}

/** What several disks have is one sentence. */
function problemsOf(summary: RunSummary): string[] {
  const { general, ofDisks } = headlineOf(summary);
  return [...general, ...ofDisks.map(sentenceOf)];
}

function headlineFor(summary: RunSummary): string[] {
  const { text } = headlineOf(summary);
  return text === undefined ? [] : [colors.red(`✗ ${text}`)];
}

/** A kept run of `flashfreeze freeze`, for people. */
export function renderCommandRun(run: RunSummary): string {
  const summary = printableTexts(run);
  const good = summary.restorable;
  const verdict = commandVerdict(summary);
  return [
    renderFileSystems(summary),
    '',
    ...renderApplication(summary),
    ...renderRemarks(summary),
    `${good ? colors.green(`✓ ${verdict}`) : colors.red(`✗ ${verdict}`)}${windowSentence('frozen since', summary)}`,
  ].join('\n');
}

/** The table and sentences at the end of `flashfreeze freeze`, for people. */
export function renderFreeze({ command: run, ...rest }: FreezeSummary): string {
  // The command's output is not shown here, and may be long.
  const { command, ...summary } = printableTexts({
    ...rest,
    command: { ...run, stdout: '', stderr: '' },
  });
  const { held } = summary;
  const verdict = held
    ? colors.green(
        `✓ everything was frozen for the ${figure(command.durationMs)} ms that ${command.program} ran (${endOf(command)})`,
      )
    : colors.red(`✗ ${command.program} ${unheld(command)}`);
  return [
    renderFileSystems(summary),
    '',
    ...renderApplication(summary),
    ...renderRemarks(summary),
    ...(command.lostBytes === 0
      ? []
      : [
          colors.yellow(
            `! ${command.lostBytes} bytes of the command’s output were lost: it printed more than is held in memory`,
          ),
        ]),
    `${verdict}${windowSentence('frozen since', summary)}`,
  ].join('\n');
}

function endOf({ exitCode, signal }: FreezeSummary['command']): string {
  return signal === null ? `exit code ${exitCode ?? 'unknown: it is still running'}` : signal;
}

function unheld(command: FreezeSummary['command']): string {
  return command.started
    ? `ran while not everything was frozen (${endOf(command)}): its result is not consistent`
    : 'was not started';
}

function renderRemarks({
  warnings,
  problems,
}: Pick<RunSummary, 'warnings' | 'problems'>): string[] {
  return [
    ...warnings.map((warning) => colors.yellow(`! ${warning}`)),
    ...problems.map((problem) => colors.red(`✗ ${problem}`)),
  ];
}

function renderFileSystems({ fileSystems }: Pick<RunSummary, 'fileSystems'>): string {
  if (fileSystems.length === 0) {
    return 'no file system was frozen';
  }
  return renderTable(
    [
      { head: 'file system', align: 'left' },
      { head: 'type', align: 'left' },
      { head: 'disks', align: 'left' },
      { head: 'freeze ms', align: 'right' },
      { head: 'window ms', align: 'right' },
    ],
    inNaturalOrder(fileSystems, ({ mountPoint }) => mountPoint).map(({ item: it }) => [
      it.mountPoint,
      it.type,
      it.disks.join(' '),
      figure(it.freezeMs),
      figure(it.windowMs),
    ]),
  );
}

function renderDisks({ disks }: RunSummary): string {
  return renderTable(
    [
      { head: 'disk', align: 'left' },
      { head: 'blob', align: 'left' },
      { head: 'snapshot', align: 'left' },
      { head: 'http', align: 'right' },
      { head: 'tries', align: 'right' },
      { head: 'latency ms', align: 'right' },
      { head: 'instant', align: 'left' },
    ],
    inNaturalOrder(disks, ({ device, blob }) => device ?? blob).map(({ item: it }) => [
      it.device ?? '?',
      blobName(it.blob),
      it.snapshot === null ? colors.red('none') : snapshotName(it.snapshot),
      it.httpStatus ?? '–',
      it.attempts,
      figure(it.latencyMs),
      it.showsInstant ? 'yes' : colors.red('no'),
    ]),
  );
}

function renderApplication({ application }: Pick<RunSummary, 'application'>): string[] {
  if (application === null) {
    return [];
  }
  const { name, heldMs } = application;
  return [heldMs === null ? `${name}: not held` : `${name}: held for ${figure(heldMs)} ms`];
}

/** The meaning of the instant in the result. */
const BARRIER_IS: Readonly<Record<RunSummary['consistency'], string>> = {
  applicationConsistent: 'all snapshots show',
  fileSystemConsistent: 'all snapshots show',
  crashConsistent: 'requests were sent from',
  none: 'everything was frozen at',
};

function renderVerdict(summary: RunSummary): string {
  const { consistency, restorable, code, name, disks } = summary;
  const taken = disks.filter(({ snapshot }) => snapshot !== null).length;
  const verdict = `${consistency}: ${taken} of ${disks.length} snapshots, code ${code} (${name})`;
  const window = windowSentence(BARRIER_IS[consistency], summary);
  return `${restorable ? colors.green(`✓ ${verdict}`) : colors.red(`✗ ${verdict}`)}${window}`;
}

function windowSentence(
  what: string,
  { barrier, windowMs, clock }: Pick<RunSummary, 'barrier' | 'windowMs' | 'clock'>,
): string {
  const { max, mean } = windowMs;
  const about = clock === null ? '' : `\nclock of this machine: ${describeClock(clock)}`;
  return barrier === null
    ? ''
    : `\n${what} ${barrier}; writers were blocked for at most ${max.toFixed(1)} ms, on average ${mean.toFixed(1)} ms${about}`;
}

function figure(value: number | null): string {
  return value === null ? '–' : value.toFixed(1);
}

/** The time of a blob's snapshot; of a managed disk's, whose resource id is too long for a column, the name. */
function snapshotName(snapshot: string): string {
  return snapshot.slice(snapshot.lastIndexOf('/') + 1);
}

/** The last two parts of a blob's path: container and name. */
function blobName(blob: string): string {
  return blob.split('/').slice(-2).join('/');
}
