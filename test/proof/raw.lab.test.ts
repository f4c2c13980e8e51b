import * as assert from 'uvu/assert';
import { takeWithFlashfreeze } from '../../bench/proof/flashfreeze.ts';
import { isProved, type ProofResult, prove } from '../../bench/proof/proof.ts';
import type { TakeSnapshots } from '../../bench/proof/proof-run.ts';
import { DEFAULT_SCENARIO, type Scenario } from '../../bench/proof/scenario.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['xfs_repair', 'dumpe2fs'] });

const test = suite('the proof with raw disks');
const SMALL: Scenario = { ...DEFAULT_SCENARIO, snapshots: 4, disks: 3, raw: 2, chains: 2 };
/** The writers write when they like: what is looked for occurs sooner or later. */
const MOST_PROOFS = 10;

/** Proofs, each with a seed of its own, until one shows what is looked for. */
async function proofsUntil(
  take: TakeSnapshots,
  isFound: (results: readonly ProofResult[]) => boolean,
): Promise<{ results: readonly ProofResult[]; lines: readonly string[] }> {
  const results: ProofResult[] = [];
  const lines: string[] = [];
  for (let seed = 1; seed <= MOST_PROOFS && !isFound(results); seed += 1) {
    results.push(await prove({ ...SMALL, seed }, take, (line) => lines.push(line)));
  }
  assert.ok(isFound(results), JSON.stringify(results));
  return { results, lines };
}

test('a disk that is said to show the instant does, and one that something wrote to is not said to', async () => {
  const { results, lines } = await proofsUntil(takeWithFlashfreeze, (so) => {
    const isSeen = (count: (result: ProofResult) => number): boolean =>
      so.some((result) => count(result) > 0);
    return (
      isSeen(({ raw }) => raw.claimed) &&
      isSeen(({ raw }) => raw.notClaimed) &&
      isSeen(({ torn }) => torn)
    );
  });
  assert.equal(lines, []);
  assert.ok(results.every(isProved));
});

test('whoever takes every disk for one that shows the instant is found out', async () => {
  const believing: TakeSnapshots = async (request) => {
    const taken = await takeWithFlashfreeze(request);
    return taken.ok ? { ...taken, claimed: taken.claimed.map(() => true) } : taken;
  };
  const { results } = await proofsUntil(believing, (so) => {
    return so.some(({ cutViolations }) => cutViolations > 0);
  });
  assert.not.ok(results.every(isProved));
  assert.ok(results.every(({ failedRuns }) => failedRuns === 0));
});

test.run();
