import { type AnatomyRun, MILESTONES } from './anatomy.ts';
import type { ProcessorTime } from './peers/recorded.ts';
import { lengthMs } from './probe/figures.ts';
import { median } from './statistics.ts';

/** One window of many. */
export interface TailRun {
  /** The longest pause of any writer. */
  readonly stallMs: number;
  /** From each of `MILESTONES` to the next. */
  readonly stagesMs: readonly number[];
  readonly cpu: readonly ProcessorTime[];
}

/** What made a window longer than others. */
export interface Excess {
  readonly stallMs: number;
  /** The stage that exceeded its median over all windows by the most; the milestone that it ended with. */
  readonly until: string;
  readonly excessMs: number;
  /** Of that window, by who waited. */
  readonly waitedMs: Readonly<Record<string, number>>;
}

export function tailRunOf(run: AnatomyRun): TailRun {
  const reached = MILESTONES.map(({ at }) => at(run));
  return {
    stallMs: Math.max(...run.disks.map(({ writer }) => lengthMs(writer))),
    stagesMs: reached.slice(1).map((ms, index) => ms - (reached[index] ?? ms)),
    cpu: run.cpu,
  };
}

/** The `count` longest windows, the longest first. */
export function longestOf(runs: readonly TailRun[], count: number): Excess[] {
  const usualMs = MILESTONES.slice(1).map((_, stage) =>
    median(runs.map(({ stagesMs }) => stagesMs[stage] ?? 0)),
  );
  return runs
    .toSorted((a, b) => b.stallMs - a.stallMs)
    .slice(0, count)
    .map((run) => excessOf(run, usualMs));
}

function excessOf({ stallMs, stagesMs, cpu }: TailRun, usualMs: readonly number[]): Excess {
  const excesses = stagesMs.map((ms, stage) => ms - (usualMs[stage] ?? 0));
  const excessMs = Math.max(...excesses);
  const until = MILESTONES[excesses.indexOf(excessMs) + 1]?.name ?? '';
  return {
    ...{ stallMs, until, excessMs },
    waitedMs: Object.fromEntries(cpu.map(({ who, waitMs }) => [who, waitMs])),
  };
}
