import * as assert from 'uvu/assert';
import { takeWithFlashfreeze } from '../../bench/proof/flashfreeze.ts';
import { isProved } from '../../bench/proof/proof.ts';
import type { TakeSnapshots } from '../../bench/proof/proof-run.ts';
import { DEFAULT_SCENARIO, type Scenario } from '../../bench/proof/scenario.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';
import { isSeen, proofsUntil } from './proofs-until.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['xfs_repair', 'dumpe2fs'] });

const test = suite('the proof with raw disks');
const SMALL: Scenario = { ...DEFAULT_SCENARIO, snapshots: 4, disks: 3, raw: 2, chains: 2 };

test('a disk that is said to show the instant does, and one that something wrote to is not said to', async () => {
  const { results, lines } = await proofsUntil(SMALL, takeWithFlashfreeze, (so) =>
    [
      isSeen(({ raw }) => raw.claimed),
      isSeen(({ raw }) => raw.notClaimed),
      isSeen(({ torn }) => torn),
    ].every((isFound) => isFound(so)),
  );
  assert.equal(lines, []);
  assert.ok(results.every(isProved));
});

test('whoever takes every disk for one that shows the instant is found out', async () => {
  const believing: TakeSnapshots = async (request) => {
    const taken = await takeWithFlashfreeze(request);
    return taken.ok ? { ...taken, claimed: taken.claimed.map(() => true) } : taken;
  };
  const { results } = await proofsUntil(
    SMALL,
    believing,
    isSeen(({ cutViolations }) => cutViolations),
  );
  assert.not.ok(results.every(isProved));
  assert.ok(results.every(({ failedRuns }) => failedRuns === 0));
});

test.run();
