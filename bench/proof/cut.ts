import { type Chain, expectedHolding, type Holding } from './order.ts';

/** What the snapshots of a place show of a chain; `damage` is what could not be read. */
export interface Observation extends Holding {
  readonly place: number;
  readonly damage: readonly string[];
}

/** How the snapshots differ from a cut: there is no K with every k ≤ K present and none beyond. */
export type Violation =
  | { readonly kind: 'missing'; readonly place: number; readonly k: number; readonly slot: boolean }
  | { readonly kind: 'misplaced'; readonly place: number; readonly k: number }
  | { readonly kind: 'damaged'; readonly place: number; readonly reason: string };

export interface CutFinding {
  /** The highest record that any place shows. */
  readonly last: number;
  /** The place that shows it. */
  readonly lastPlace: number | undefined;
  readonly violations: readonly Violation[];
}

/**
 * Compares what the snapshots of all places show with the cut at the highest record that any of
 * them shows: by the order of writing, nothing before it may be missing.
 */
export function findCut(chain: Chain, observations: readonly Observation[]): CutFinding {
  let last = 0;
  let lastPlace: number | undefined;
  for (const { place, appended, slots } of observations) {
    const highest = Math.max(
      0,
      ...slots.values(),
      appended.reduce((a, b) => Math.max(a, b), 0),
    );
    if (highest > last) {
      last = highest;
      lastPlace = place;
    }
  }
  const violations = observations.flatMap((observation) => compare(chain, observation, last));
  return { last, lastPlace, violations };
}

function compare(chain: Chain, observation: Observation, last: number): Violation[] {
  const { place, appended, slots, damage } = observation;
  const expected = expectedHolding(chain, place, last);
  const violations: Violation[] = damage.map((reason) => ({ kind: 'damaged', place, reason }));
  expected.appended.forEach((k, index) => {
    if (appended[index] === undefined) {
      violations.push({ kind: 'missing', place, k, slot: false });
    } else if (appended[index] !== k) {
      violations.push({ kind: 'misplaced', place, k: appended[index] });
    }
  });
  for (const k of appended.slice(expected.appended.length)) {
    violations.push({ kind: 'misplaced', place, k });
  }
  return [...violations, ...compareSlots(place, expected.slots, slots)];
}

function compareSlots(
  place: number,
  expected: ReadonlyMap<number, number>,
  slots: ReadonlyMap<number, number>,
): Violation[] {
  const violations: Violation[] = [];
  for (const [slot, k] of expected) {
    if ((slots.get(slot) ?? 0) < k) {
      violations.push({ kind: 'missing', place, k, slot: true });
    }
  }
  for (const [slot, k] of slots) {
    if (k > (expected.get(slot) ?? 0)) {
      violations.push({ kind: 'misplaced', place, k });
    }
  }
  return violations;
}
