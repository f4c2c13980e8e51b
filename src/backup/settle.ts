/** A round this quick leaves next to nothing for the freeze to flush. */
const QUIET_ROUND_MS = 20;
const MAX_ROUNDS = 3;
/** Of all rounds together. */
export const MAX_TOTAL_MS = 5_000;

/**
 * Whether one more syncfs of every file system is worth its time. Settling first makes the freeze
 * some fifty times shorter (freeze-facts.md, Cost); a machine that keeps dirtying its caches never
 * becomes quiet, so rounds and total time are bounded.
 *
 * @param roundsMs how long each round so far took, in milliseconds
 */
export function needsAnotherSettleRound(roundsMs: readonly number[]): boolean {
  const last = roundsMs.at(-1);
  if (last === undefined) {
    return true;
  }
  const total = roundsMs.reduce((sum, round) => sum + round, 0);
  return last > QUIET_ROUND_MS && roundsMs.length < MAX_ROUNDS && total < MAX_TOTAL_MS;
}

/**
 * The same waves, in each of them those first that took longest to settle: they have the most to
 * flush and so take longest to freeze. File systems that took equally long keep the plan's order.
 */
export function slowestFirst(
  waves: readonly (readonly number[])[],
  settleNs: readonly (bigint | undefined)[],
): number[][] {
  return waves.map((wave) =>
    wave.toSorted((a, b) => Number((settleNs[b] ?? 0n) - (settleNs[a] ?? 0n))),
  );
}
