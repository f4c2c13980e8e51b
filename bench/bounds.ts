import bounds from './bounds.json' with { type: 'json' };
import { type ContenderSamples, maxStall, ratioOf } from './comparison.ts';
import { FLASHFREEZE } from './peers/flashfreeze.ts';
import type { SizedComparison } from './sizes.ts';
import { figure } from './table.ts';

/** Our longest stall must not be more than so many times that of another contender. */
export interface Bound {
  readonly disks: number;
  /** The other's name. */
  readonly against: string;
  /** Of the ratio's median over the rounds, pair by pair. */
  readonly most: number;
}

/** Committed; what was measured and how much room it has stands in bench/README.md. */
export const BOUNDS: readonly Bound[] = bounds;

export interface Kept {
  readonly bound: Bound;
  /** NaN where there is no pair of good samples. */
  readonly ratio: number;
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
    const ratio = ratioOf(samplesOf(FLASHFREEZE), samplesOf(bound.against), maxStall).median;
    return { bound, ratio, holds: ratio <= bound.most };
  });
}

/** The bounds that do not hold, a sentence each. */
export function brokenBounds(kept: readonly Kept[]): string[] {
  return kept
    .filter(({ holds }) => !holds)
    .map(
      ({ bound: { disks, against, most }, ratio }) =>
        `${disks} disks: max stall ÷ ${against} is ${figure(ratio, 3)}, and may be ${most} at most (bench/bounds.json)`,
    );
}
