import { median, quantile } from '../statistics.ts';
import type { SoakFigures, WatchedRun } from './model.ts';

/** Code is compiled, caches fill, V8 sizes its heap: until then everything grows. */
const WARM_UP_SHARE = 0.25;
/** Of the resident memory, from the second quarter of the soak to the last. */
const GROWTH_LIMIT = 1.1;
/** p99 of the undisturbed runs' window to their median. */
const TAIL_LIMIT = 2;

export interface Trend {
  /** Median of the second quarter of the runs, and of the last. */
  readonly early: number;
  readonly late: number;
}

export function trendOf(runs: readonly WatchedRun[], figureOf: (run: WatchedRun) => number): Trend {
  const quarter = Math.floor(runs.length * WARM_UP_SHARE);
  return {
    early: median(runs.slice(quarter, 2 * quarter).map(figureOf)),
    late: median(runs.slice(-quarter || runs.length).map(figureOf)),
  };
}

/** Windows of the runs in which the server did nothing wrong, in ms. */
export function undisturbedWindows(runs: readonly WatchedRun[]): number[] {
  return runs
    .filter(({ faultKind }) => faultKind === 'none')
    .flatMap(({ windowMs }) => windowMs ?? []);
}

/** What a soak must not show, a sentence each. */
export function faultsOf({ runs, before, after }: SoakFigures): string[] {
  const windows = undisturbedWindows(runs);
  const [p99, middle] = [quantile(windows, 0.99), median(windows)];
  const memory = trendOf(runs, ({ rssMb }) => rssMb);
  return [
    ...runFaults(runs),
    ...(p99 > TAIL_LIMIT * middle
      ? [
          `p99 of the window, ${p99.toFixed(1)} ms, is over ${TAIL_LIMIT} × its median, ${middle.toFixed(1)} ms`,
        ]
      : []),
    ...(memory.late > GROWTH_LIMIT * memory.early
      ? [`memory grew from ${memory.early.toFixed(0)} MB to ${memory.late.toFixed(0)} MB`]
      : []),
    ...grown(
      'open descriptors',
      trendOf(runs, ({ descriptors }) => descriptors),
    ),
    ...grown(
      'threads',
      trendOf(runs, ({ threads }) => threads),
    ),
    ...grown('loop devices', { early: before.loopDevices, late: after.loopDevices }),
    ...grown('mounts', { early: before.mounts, late: after.mounts }),
  ];
}

function runFaults(runs: readonly WatchedRun[]): string[] {
  const undone = runs.filter(({ faultKind, complete }) => faultKind !== 'final' && !complete);
  const claimed = runs.filter(({ faultKind, complete }) => faultKind === 'final' && complete);
  const unsound = runs.filter(({ faultKind, unsound: why }) => faultKind === 'none' && why);
  const cold = runs.filter(
    ({ faultKind, reused, requests }) => faultKind === 'none' && reused < requests,
  );
  return [
    ...some(
      undone,
      'runs were not complete',
      ({ fault, problem }) => `${fault}: ${problem ?? '?'}`,
    ),
    ...some(claimed, 'runs are called complete and cannot be', ({ fault }) => fault),
    ...some(
      unsound,
      'runs have snapshots of a disk that was written to',
      ({ unsound: why }) => why ?? '',
    ),
    ...some(
      cold,
      'runs without a fault did not reuse a connection',
      ({ reused, requests }) => `${reused} of ${requests}`,
    ),
  ];
}

function some(
  runs: readonly WatchedRun[],
  what: string,
  detailOf: (run: WatchedRun) => string,
): string[] {
  const [first] = runs;
  return first === undefined ? [] : [`${runs.length} ${what} (the first: ${detailOf(first)})`];
}

function grown(what: string, { early, late }: Trend): string[] {
  return late > early ? [`${what} grew from ${early} to ${late}`] : [];
}
