import * as assert from 'uvu/assert';
import { type ProofResult, prove } from '../../bench/proof/proof.ts';
import type { TakeSnapshots } from '../../bench/proof/proof-run.ts';
import type { Scenario } from '../../bench/proof/scenario.ts';

/** The writers write when they like: what is looked for occurs sooner or later. */
const MOST_PROOFS = 10;

export interface Proofs {
  readonly results: readonly ProofResult[];
  /** A fault each. */
  readonly lines: readonly string[];
}

/**
 * Proofs, each with a seed of its own, until they show what is looked for: on a busy machine, a mistake does not show
 * in each of them.
 */
export async function proofsUntil(
  scenario: Scenario,
  take: TakeSnapshots,
  isFound: (results: readonly ProofResult[]) => boolean,
): Promise<Proofs> {
  const results: ProofResult[] = [];
  const lines: string[] = [];
  for (let seed = 1; seed <= MOST_PROOFS && !isFound(results); seed += 1) {
    results.push(await prove({ ...scenario, seed }, take, (line) => lines.push(line)));
  }
  assert.ok(isFound(results), JSON.stringify({ results, lines }));
  return { results, lines };
}

/** For `proofsUntil`: one of the proofs counted some of this. */
export function isSeen(
  count: (result: ProofResult) => number,
): (results: readonly ProofResult[]) => boolean {
  return (results) => results.some((result) => count(result) > 0);
}
