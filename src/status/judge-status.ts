import { headlineOf } from '../report/headline.ts';
import { type RunFile, resultOf } from '../report/run-file.ts';
import { isFuture } from '../report/run-times.ts';
import type { OutputOf } from '../report/schemas/described.ts';
import type { statusReportSchema } from '../report/schemas/status-report.ts';

/** What `flashfreeze status --json` prints. */
export type StatusReport = OutputOf<typeof statusReportSchema>;
export type Finding = StatusReport['findings'][number];

export interface KeptRunFile {
  readonly path: string;
  readonly run: RunFile;
}

/** The timer of systemd, and the service that it starts. */
export interface TimerFacts {
  readonly timer: string;
  readonly isActive: boolean;
  readonly next: Date | undefined;
  readonly last: Date | undefined;
  /** The name of the service, and how its last start failed, e.g. `exit-code 2`; undefined if it did not. */
  readonly failure: { readonly service: string; readonly result: string } | undefined;
}

export interface StatusFacts {
  readonly now: Date;
  readonly host: string;
  readonly maxAgeMs: number;
  /** Of `snapshot` and of the extension, the newest first, at least up to the last success; also those from the future. */
  readonly runs: readonly KeptRunFile[];
  /** Paths of files that are no runs. */
  readonly damaged: readonly string[];
  /** Why runs in a folder are not believed, a sentence for each folder. */
  readonly untrusted: readonly string[];
  /** Mount points of file systems that dead runs left frozen and that could not be thawed. */
  readonly stillFrozen: readonly string[];
  /** A sentence for each run that died between freeze and thaw, and was recovered now. */
  readonly recovered: readonly string[];
  /** Undefined if there is no such timer. */
  readonly timer: TimerFacts | undefined;
}

const HOUR_MS = 3_600_000;
/** Runs that the report lists. */
const LISTED = 5;

/** Judges the machine by what its runs left and what is scheduled. Pure. */
export function judgeStatus(facts: StatusFacts): StatusReport {
  const { now, host, maxAgeMs, timer } = facts;
  const isAhead = ({ run }: KeptRunFile): boolean => isFuture(new Date(run.writtenAt), now);
  const runs = facts.runs.filter((it) => !isAhead(it));
  const ahead = facts.runs.filter(isAhead);
  const known = { ...facts, runs };
  const findings = [
    ...frozenFindings(known),
    ...ageFindings(known, ahead),
    ...lastRunFindings(known),
    ...scheduleFindings(known),
    ...clockFindings(ahead),
    ...facts.damaged.map((path) =>
      warning('damaged-record', `${path} is not the file of a run`, 'look at it, and remove it'),
    ),
    ...facts.untrusted.map((sentence) =>
      warning(
        'unsafe-folder',
        sentence,
        'give it to root: chown root, chmod go-w; look at what lies in it',
      ),
    ),
  ].toSorted((a, b) => SEVERITY.indexOf(b.status) - SEVERITY.indexOf(a.status));
  return {
    status: findings[0]?.status ?? 'ok',
    ...{ host, checkedAt: now.toISOString(), maxAgeHours: maxAgeMs / HOUR_MS },
    lastSuccess: lastSuccessOf(runs)?.run.writtenAt ?? null,
    findings,
    runs: [...runs, ...ahead].slice(0, LISTED).map(describeRun),
    schedule:
      timer === undefined
        ? null
        : {
            timer: timer.timer,
            isActive: timer.isActive,
            next: timer.next?.toISOString() ?? null,
            last: timer.last?.toISOString() ?? null,
          },
  };
}

const SEVERITY: readonly Finding['status'][] = ['ok', 'warning', 'unknown', 'critical'];

function warning(id: string, finding: string, remedy: string): Finding {
  return { id, status: 'warning', finding, remedy };
}

function critical(id: string, finding: string, remedy: string): Finding {
  return { id, status: 'critical', finding, remedy };
}

function lastSuccessOf(runs: readonly KeptRunFile[]): KeptRunFile | undefined {
  return runs.find(({ run }) => resultOf(run) === 'success');
}

function frozenFindings({ stillFrozen, recovered }: StatusFacts): Finding[] {
  return [
    ...stillFrozen.map((mountPoint) =>
      critical(
        'left-frozen',
        `a dead run left ${mountPoint} frozen, and it could not be thawed`,
        `flashfreeze thaw ${mountPoint}`,
      ),
    ),
    ...recovered.map((sentence) =>
      warning('dead-run', sentence, 'find out what killed it, e.g. with journalctl -k'),
    ),
  ];
}

/** Such a run is neither the last one nor the last success: it would be young for as long as the clock was ahead. */
function clockFindings(ahead: readonly KeptRunFile[]): Finding[] {
  return ahead.map(({ path, run }) =>
    warning(
      'clock',
      `the time of ${path}, ${run.writtenAt}, is in the future, so the run does not count: the clock was ahead then, or is behind now`,
      'check the clock, e.g. with timedatectl; if it is right, remove the file',
    ),
  );
}

function ageFindings(
  { runs, now, maxAgeMs }: StatusFacts,
  ahead: readonly KeptRunFile[],
): Finding[] {
  if (runs.length === 0 && ahead.length > 0) {
    return [
      critical(
        'no-success',
        'the times of all kept runs are in the future',
        'check the clock, e.g. with timedatectl',
      ),
    ];
  }
  if (runs.length === 0) {
    return [
      critical(
        'no-run',
        'no run has left its file on this machine',
        'take a snapshot: flashfreeze snapshot',
      ),
    ];
  }
  const last = lastSuccessOf(runs);
  if (last === undefined) {
    return [
      critical('no-success', 'no kept run was successful', `flashfreeze report ${runs[0]?.path}`),
    ];
  }
  const ageMs = now.getTime() - Date.parse(last.run.writtenAt);
  return ageMs <= maxAgeMs
    ? []
    : [
        critical(
          'too-old',
          `the last success is ${hours(ageMs)} h old, more than ${hours(maxAgeMs)} h`,
          'look at the runs since then, and at the schedule',
        ),
      ];
}

function hours(ms: number): string {
  return (ms / HOUR_MS).toFixed(1).replace(/\.0$/, '');
}

function lastRunFindings({ runs: [last] }: StatusFacts): Finding[] {
  if (last === undefined) {
    return [];
  }
  const { run, path } = last;
  const unprotected = run.set?.unprotected ?? 0;
  const report = `flashfreeze report ${path}`;
  return [
    ...(resultOf(run) === 'success'
      ? []
      : [warning('last-run-failed', `the last run failed: ${reasonOf(run)}`, report)]),
    ...(unprotected === 0
      ? []
      : [
          warning(
            'incomplete-set',
            `the last run took no snapshot of ${unprotected} ${unprotected === 1 ? 'disk' : 'disks'}`,
            report,
          ),
        ]),
  ];
}

function reasonOf({ summary, error }: RunFile): string {
  return summary === null
    ? `${error?.message} (${error?.code})`
    : (headlineOf(summary).text ?? summary.name);
}

function scheduleFindings({ runs, timer, now }: StatusFacts): Finding[] {
  const run = runs.find((it) => it.run.origin === 'snapshot')?.run;
  const { credential = null } = run ?? {};
  return [
    ...(timer === undefined || timer.isActive
      ? []
      : [
          warning(
            'timer-inactive',
            `${timer.timer} does not run, so no run is scheduled`,
            `systemctl enable --now ${timer.timer}`,
          ),
        ]),
    ...(timer?.failure === undefined
      ? []
      : [
          warning(
            'timer-run-failed',
            `the last start of ${timer.failure.service} failed (${timer.failure.result})`,
            `journalctl -u ${timer.failure.service}`,
          ),
        ]),
    ...(credential?.kind === 'sas'
      ? sasFindings(new Date(credential.endsAt), timer?.next, now)
      : []),
  ];
}

/** Without a known schedule only a SAS that has ended already is wrong. */
function sasFindings(endsAt: Date, next: Date | undefined, now: Date): Finding[] {
  const isOver = endsAt <= now;
  if (!isOver && (next === undefined || endsAt > next)) {
    return [];
  }
  const when = isOver
    ? `ended at ${endsAt.toISOString()}`
    : `ends at ${endsAt.toISOString()}, before the next run at ${next?.toISOString()}`;
  return [
    warning(
      'sas-ends',
      `the SAS that the last run used ${when}`,
      'make new ones; a run that uses them ends this warning',
    ),
  ];
}

function describeRun({ path, run }: KeptRunFile): StatusReport['runs'][number] {
  const { summary, set } = run;
  return {
    path,
    writtenAt: run.writtenAt,
    origin: run.origin,
    result: resultOf(run),
    consistency: summary?.consistency ?? null,
    error: run.error?.code ?? null,
    disks: summary?.disks.length ?? 0,
    snapshots: summary?.disks.filter(({ snapshot }) => snapshot !== null).length ?? 0,
    unprotected: set?.unprotected ?? null,
    windowMs: summary?.windowMs.max ?? null,
    restorePoint: run.taskId,
  };
}
