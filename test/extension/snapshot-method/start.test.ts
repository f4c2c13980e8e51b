import * as assert from 'uvu/assert';
import { decideStart } from '../../../src/extension/snapshot-method/start.ts';
import { suite } from '../../suite.ts';

const test = suite('start of a task');
const BEGUN = new Date('2026-11-22T06:00:00Z');
const DAY_MS = 86_400_000;

const ROWS: readonly [leadMs: number, waits: boolean, warns: boolean][] = [
  [-DAY_MS, false, false],
  [-5_000, false, false],
  [0, false, false],
  [1, true, false],
  [7_000, true, false],
  [60_000, true, false],
  [60_001, false, true],
  [53 * 60_000, false, true],
  [2 * DAY_MS, false, true],
];

for (const [leadMs, waits, warns] of ROWS) {
  test(`a start ${leadMs} ms ahead is ${waits ? 'waited for' : 'not waited for'}`, () => {
    const startAt = new Date(BEGUN.getTime() + leadMs);
    const decision = decideStart(startAt, BEGUN);
    assert.is(decision.startAt, waits ? startAt : undefined);
    assert.is(decision.warning !== undefined, warns);
  });
}

test('the warning names the start, the lead and the limit', () => {
  const { warning = '' } = decideStart(new Date(BEGUN.getTime() + 3_180_000), BEGUN);
  assert.match(warning, /2026-11-22T06:53:00\.000Z, 3180 s ahead.*60 s.*at once/);
});

test('without a start there is nothing to wait for', () => {
  assert.equal(decideStart(undefined, BEGUN), { startAt: undefined, warning: undefined });
});

test.run();
