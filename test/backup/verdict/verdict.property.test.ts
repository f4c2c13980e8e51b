import assert from 'node:assert/strict';
import fc from 'fast-check';
import { suite } from '../../suite.ts';
import { requireTruth } from './claims.ts';
import { machines } from './machine.ts';
import { play, type Sabotage } from './play.ts';

const test = suite('no verdict claims more than the disks show');
const RUNS = 1_000;
/** Of all machines at least so many must be called restorable, and so many not: else nothing would be tested. */
const FAIR_SHARE = 150;

test('on random machines, whatever is given, left out, changed and written', async () => {
  const count = { restorable: 0, not: 0 };
  const property = fc.asyncProperty(machines, async (machine) => {
    const { isRestorable } = requireTruth(machine, await play(machine, 'nothing'));
    count[isRestorable ? 'restorable' : 'not'] += 1;
  });
  await fc.assert(property, { numRuns: RUNS });
  assert.ok(
    Math.min(count.restorable, count.not) >= FAIR_SHARE,
    `${count.restorable} restorable, ${count.not} not`,
  );
});

const SABOTAGES: readonly (readonly [Sabotage, string])[] = [
  ['no-watch', 'the write counters are not read'],
  ['late-baseline', 'they are first read after the requests have left'],
  ['no-gaps', 'gaps of the set are not looked for'],
];
for (const [sabotage, name] of SABOTAGES) {
  test(`a verdict that claims more is found: ${name}`, async () => {
    const property = fc.asyncProperty(machines, async (machine) => {
      requireTruth(machine, await play(machine, sabotage));
    });
    const { failed } = await fc.check(property, { numRuns: RUNS, endOnFailure: true });
    assert.ok(failed);
  });
}

test.run();
