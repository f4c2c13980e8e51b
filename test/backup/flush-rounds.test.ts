import * as assert from 'uvu/assert';
import { needsAnotherRound, slowestFirst } from '../../src/backup/flush.ts';
import { suite } from '../suite.ts';

const test = suite('flush rounds');

const rounds: readonly [string, number[], boolean][] = [
  ['always runs a first round', [], true],
  ['stops after a quick round', [8], false],
  ['goes on after a slow round', [300], true],
  ['stops as soon as a round is quick', [300, 12], false],
  ['stops after three slow rounds', [300, 200, 100], false],
  ['stops after five seconds in all', [5_200], false],
];

for (const [name, roundsMs, expected] of rounds) {
  test(name, () => {
    assert.is(needsAnotherRound(roundsMs), expected);
  });
}

test('first freezes the file systems that took longest to flush, wave by wave', () => {
  assert.equal(slowestFirst([[0, 1, 2], [3]], [1n, 3n, 2n, 9n]), [[1, 2, 0], [3]]);
});

test('keeps the order of the plan if nothing was flushed', () => {
  assert.equal(slowestFirst([[2, 0, 1]], []), [[2, 0, 1]]);
});

test.run();
