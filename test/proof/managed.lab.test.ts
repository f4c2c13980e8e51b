import * as assert from 'uvu/assert';
import { takeWithFlashfreeze } from '../../bench/proof/flashfreeze.ts';
import { isProved, type ProofResult, prove } from '../../bench/proof/proof.ts';
import type { TakeSnapshots } from '../../bench/proof/proof-run.ts';
import { DEFAULT_SCENARIO, type Scenario } from '../../bench/proof/scenario.ts';
import { takeThawingWhen } from '../../bench/proof/thaw-moment.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';
import { isSeen, proofsUntil } from './proofs-until.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['xfs_repair', 'dumpe2fs'] });

const test = suite('the proof with managed disks');
/** In two rounds, pictures are taken at random moments of the operations, and at their ends. */
const SMALL: Scenario = { ...DEFAULT_SCENARIO, managed: true, snapshots: 2, disks: 5 };

const showsMistake = (results: readonly ProofResult[]): boolean =>
  isSeen(({ cutViolations }) => cutViolations)(results) &&
  isSeen(({ needRecovery }) => needRecovery)(results);

async function run(
  scenario: Scenario,
  take: TakeSnapshots,
): Promise<{ result: ProofResult; lines: readonly string[] }> {
  const lines: string[] = [];
  const result = await prove(scenario, take, (line) => lines.push(line));
  return { result, lines };
}

test('every snapshot is a cut and needs no recovery', async () => {
  const { result, lines } = await run({ ...SMALL, snapshots: 3 }, takeWithFlashfreeze);
  assert.equal(lines, []);
  assert.is(result.windowsMs.length, 3);
  assert.ok(isProved(result));
});

test('a tool that thaws when its requests are accepted is found out', async () => {
  const { results, lines } = await proofsUntil(SMALL, takeThawingWhen('accepted'), showsMistake);
  assert.ok(
    results.every(({ failedRuns }) => failedRuns === 0),
    lines.join('\n'),
  );
  assert.not.ok(results.every(isProved));
});

test('that tool is right in all else: if it waits for the operations, its snapshots are cuts', async () => {
  const { result, lines } = await run(SMALL, takeThawingWhen('succeeded'));
  assert.equal(lines, []);
  assert.ok(isProved(result));
});

test('without the freeze the same requests give no cut', async () => {
  const { results, lines } = await proofsUntil(
    { ...SMALL, freeze: false },
    takeWithFlashfreeze,
    isSeen(({ cutViolations }) => cutViolations),
  );
  assert.ok(
    results.every(({ failedRuns }) => failedRuns === 0),
    lines.join('\n'),
  );
  assert.not.ok(results.every(isProved));
});

test.run();
