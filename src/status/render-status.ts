import { printable } from '../log/printable.ts';
import { renderTable } from '../report/table.ts';
import type { Finding, StatusReport } from './judge-status.ts';

export const EXIT_CODES: Readonly<Record<StatusReport['status'], number>> = {
  ok: 0,
  warning: 1,
  critical: 2,
  unknown: 3,
};

/** The first line is for monitoring systems, as plug-ins of Nagios print it; the others are for people. Pure. */
export function renderStatus(report: StatusReport): string {
  return [
    [pluginLine(report.status, headOf(report)), ...performanceData(report)].join(' | '),
    ...report.findings.map(renderFinding),
    ...renderSchedule(report),
    ...renderRuns(report),
  ].join('\n');
}

/** A line that a monitoring system reads; what follows a bar would be figures. Pure. */
export function pluginLine(status: StatusReport['status'], text: string): string {
  return `FLASHFREEZE ${status.toUpperCase()} - ${printable(text).replaceAll('|', '/')}`;
}

function headOf({
  findings: [first, ...others],
  lastSuccess,
  checkedAt,
  runs,
}: StatusReport): string {
  if (first !== undefined) {
    return `${first.finding}${others.length === 0 ? '' : ` (and ${others.length} more)`}`;
  }
  const success = runs.find(({ result }) => result === 'success');
  const hours = (ageSeconds(lastSuccess ?? checkedAt, checkedAt) / 3_600).toFixed(1);
  return `the last success is ${hours} h old: ${success?.consistency}, ${success?.snapshots} of ${success?.disks} snapshots`;
}

function ageSeconds(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / 1_000);
}

/** `'label'=value[UOM];[warn];[crit];[min];[max]` of the Monitoring Plugins Development Guidelines; none without a run. */
function performanceData({
  lastSuccess,
  checkedAt,
  maxAgeHours,
  runs: [last],
}: StatusReport): string[] {
  if (last === undefined) {
    return [];
  }
  const { windowMs, snapshots, disks, unprotected } = last;
  const figures = [
    ...(lastSuccess === null
      ? []
      : [`age=${ageSeconds(lastSuccess, checkedAt)}s;;${maxAgeHours * 3_600};0`]),
    ...(windowMs === null ? [] : [`window=${(windowMs / 1_000).toFixed(6)}s;;;0`]),
    `snapshots=${snapshots};;;0;${disks}`,
    ...(unprotected === null ? [] : [`unprotected=${unprotected};0;;0`]),
  ];
  return [figures.join(' ')];
}

const SIGNS: Readonly<Record<Finding['status'], string>> = {
  ok: '✓',
  warning: '!',
  critical: '✗',
  unknown: '?',
};

function renderFinding({ id, status, finding, remedy }: Finding): string {
  return `${SIGNS[status]} ${id}: ${printable(finding).replaceAll('|', '/')}\n    → ${printable(remedy)}`;
}

function renderSchedule({ schedule }: StatusReport): string[] {
  return schedule === null
    ? ['next run: not known: there is no flashfreeze-snapshot.timer']
    : [`next run: ${schedule.next ?? 'not known'} (${schedule.timer})`];
}

function renderRuns({ runs, host }: StatusReport): string[] {
  if (runs.length === 0) {
    return [];
  }
  const rows = runs.map((run) => [
    run.writtenAt.slice(0, 19).replace('T', ' '),
    run.origin,
    run.result,
    run.consistency ?? run.error ?? '–',
    run.result === 'refused' ? '–' : `${run.snapshots} of ${run.disks}`,
    run.windowMs === null ? '–' : run.windowMs.toFixed(1),
    printable(run.restorePoint),
  ]);
  const table = renderTable(
    [
      { head: 'time (UTC)', align: 'left' },
      { head: 'origin', align: 'left' },
      { head: 'result', align: 'left' },
      { head: 'worth', align: 'left' },
      { head: 'snapshots', align: 'right' },
      { head: 'window ms', align: 'right' },
      { head: 'restore point', align: 'left' },
    ],
    rows,
  );
  return ['', `latest runs on ${printable(host)}:`, table];
}
