import bounds from './bounds.json' with { type: 'json' };
import { type ContenderSamples, maxStall, ratioOf, summarizeSamples } from './comparison.ts';
import { FLASHFREEZE } from './peers/flashfreeze.ts';
import { ranMs } from './sample.ts';
import type { SizedComparison } from './sizes.ts';
import { figure } from './table.ts';

/** What must hold with so many disks. */
export type Bound = StallBound | RuntimeBound;

/** Our longest stall must not be more than so many times that of another contender. */
export interface StallBound {
  readonly kind: 'stall';
  readonly disks: number;
  /** The other's name. */
  readonly against: string;
  /** Of the ratio's median over the rounds, pair by pair. */
  readonly most: number;
}

/** Node's own threads (collector, compilers, pool) must not run for longer in the window; the median over the rounds. */
export interface RuntimeBound {
  readonly kind: 'runtime';
  readonly disks: number;
  readonly mostMs: number;
}

/** Committed; what was measured and how much room it has stands in bench/README.md. */
export const BOUNDS = bounds as readonly Bound[];

export interface Kept {
  readonly bound: Bound;
  /** A ratio or milliseconds; NaN if there are no good samples for it. */
  readonly measured: number;
  readonly holds: boolean;
}

export function keptBounds(
  figures: readonly SizedComparison[],
  all: readonly Bound[] = BOUNDS,
): Kept[] {
  return all.map((bound) => {
    const contenders = figures.find(({ disks }) => disks === bound.disks)?.contenders ?? [];
    const samplesOf = (name: string): ContenderSamples['samples'] =>
      contenders.find((each) => each.name === name)?.samples ?? [];
    const own = samplesOf(FLASHFREEZE);
    const measured =
      bound.kind === 'stall'
        ? ratioOf(own, samplesOf(bound.against), maxStall).median
        : summarizeSamples(own, (sample) => ranMs(sample.own, 'runtime')).median;
    return { bound, measured, holds: measured <= mostOf(bound) };
  });
}

/** In the unit of what is measured. */
export function mostOf(bound: Bound): number {
  return bound.kind === 'stall' ? bound.most : bound.mostMs;
}

/** For people: what is bounded. */
export function subjectOf(bound: Bound): string {
  return bound.kind === 'stall'
    ? `max stall ÷ ${bound.against}`
    : 'ms of Node’s own threads in the window';
}

/** The bounds that do not hold, a sentence each. */
export function brokenBounds(kept: readonly Kept[]): string[] {
  return kept
    .filter(({ holds }) => !holds)
    .map(
      ({ bound, measured }) =>
        `${bound.disks} disks: ${subjectOf(bound)} is ${figure(measured, 3)}, and may be ${mostOf(bound)} at most (bench/bounds.json)`,
    );
}
