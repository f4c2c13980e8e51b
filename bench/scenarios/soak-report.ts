import type { SoakFigures, WatchedRun } from '../soak/model.ts';
import { trendOf, undisturbedWindows } from '../soak/verdict.ts';
import { median, quantile } from '../statistics.ts';
import { type Column, figure, renderTable } from '../table.ts';
import type { SoakOptions } from './soak.ts';

interface FaultRow {
  readonly name: string;
  readonly runs: readonly WatchedRun[];
}

const stalls = ({ runs }: FaultRow): number[] => runs.flatMap(({ stallMs }) => stallMs ?? []);

const COLUMNS: readonly Column<FaultRow>[] = [
  { head: 'what the server did', value: ({ name }) => name },
  { head: 'runs', value: ({ runs }) => runs.length, decimals: 0 },
  {
    head: 'complete',
    value: ({ runs }) => runs.filter(({ complete }) => complete).length,
    decimals: 0,
  },
  { head: 'longest stall\nmedian', value: (row) => median(stalls(row)) },
  { head: '\np90', value: (row) => quantile(stalls(row), 0.9) },
  { head: '\np99', value: (row) => quantile(stalls(row), 0.99) },
  { head: '\nmax', value: (row) => quantile(stalls(row), 1) },
  {
    head: 'connections\nreused',
    value: ({ runs }) =>
      `${sum(runs, ({ reused }) => reused)} of ${sum(runs, ({ requests }) => requests)}`,
  },
];

const GROWTH: readonly { readonly name: string; readonly of: (run: WatchedRun) => number }[] = [
  { name: 'resident memory, MB', of: ({ rssMb }) => rssMb },
  { name: 'JavaScript heap, MB', of: ({ heapMb }) => heapMb },
  { name: 'memory outside the heap, MB', of: ({ externalMb }) => externalMb },
  { name: 'open descriptors', of: ({ descriptors }) => descriptors },
  { name: 'threads', of: ({ threads }) => threads },
];

export function renderSoak(
  { runs, before, after }: SoakFigures,
  { minutes, disks, latency, fileSystems }: SoakOptions,
): string {
  const faults = [...Map.groupBy(runs, ({ fault }) => fault)].map(([name, own]) => ({
    name,
    runs: own,
  }));
  const windows = undisturbedWindows(runs);
  const [p99, middle] = [quantile(windows, 0.99), median(windows)];
  return [
    renderTable(
      `${runs.length} snapshots of ${disks} disks in ${minutes} minutes, ${fileSystems}, ${latency} ms latency: ms`,
      COLUMNS,
      faults.toSorted((a, b) => b.runs.length - a.runs.length),
    ),
    renderTable(
      'What may not grow: medians of the second quarter of the runs and of the last',
      [
        { head: '', value: ({ name }) => name },
        { head: 'early', value: ({ of }) => trendOf(runs, of).early },
        { head: 'late', value: ({ of }) => trendOf(runs, of).late },
      ],
      GROWTH,
    ),
    `loop devices ${before.loopDevices} → ${after.loopDevices}, mounts ${before.mounts} → ${after.mounts}`,
    `window of undisturbed runs by its own stamps: median ${figure(middle, 1)} ms, p99 ${figure(p99, 1)} ms = ${figure(p99 / middle, 2)} × the median`,
  ].join('\n');
}

function sum(runs: readonly WatchedRun[], figureOf: (run: WatchedRun) => number): number {
  return runs.reduce((total, run) => total + figureOf(run), 0);
}
