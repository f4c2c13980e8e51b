import * as assert from 'uvu/assert';
import { takeWithFlashfreeze } from '../../bench/proof/flashfreeze.ts';
import { type Mistake, takeWith } from '../../bench/proof/mistakes.ts';
import { isProved, type ProofResult, prove } from '../../bench/proof/proof.ts';
import type { TakeSnapshots } from '../../bench/proof/proof-run.ts';
import { DEFAULT_SCENARIO, type Scenario } from '../../bench/proof/scenario.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';
import { isSeen, proofsUntil } from './proofs-until.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['xfs_repair', 'dumpe2fs'] });

const test = suite('the proof of consistency');
const SMALL: Scenario = { ...DEFAULT_SCENARIO, snapshots: 3, disks: 6 };

async function run(
  scenario: Scenario,
  take: TakeSnapshots,
): Promise<{ result: ProofResult; lines: readonly string[] }> {
  const lines: string[] = [];
  const result = await prove(scenario, take, (line) => lines.push(line));
  return { result, lines };
}

for (const fire of ['early', 'barrier'] as const) {
  test(`every snapshot is a cut and needs no recovery (fire ${fire})`, async () => {
    const { result, lines } = await run({ ...SMALL, fire }, takeWithFlashfreeze);
    assert.equal(lines, []);
    assert.is(result.windowsMs.length, SMALL.snapshots);
    assert.ok(isProved(result));
  });
}

test('without the freeze the same requests give no cut', async () => {
  const { results, lines } = await proofsUntil(
    { ...SMALL, snapshots: 2, freeze: false },
    takeWithFlashfreeze,
    (so) =>
      isSeen(({ cutViolations }) => cutViolations)(so) &&
      isSeen(({ needRecovery }) => needRecovery)(so),
  );
  assert.ok(
    results.every(({ failedRuns }) => failedRuns === 0),
    lines.join('\n'),
  );
  assert.not.ok(results.every(isProved));
});

const mistakes: readonly Mistake[] = [
  'fired-before-frozen',
  'thawed-before-acknowledged',
  'one-after-the-other',
];
for (const mistake of mistakes) {
  test(`a freeze that is ${mistake} is found out`, async () => {
    const { results } = await proofsUntil(
      { ...SMALL, snapshots: 2 },
      takeWith(mistake),
      isSeen(({ cutViolations }) => cutViolations),
    );
    assert.ok(results.every(({ failedRuns }) => failedRuns === 0));
  });
}

test.run();
