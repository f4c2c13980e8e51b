import assert from 'node:assert/strict';
import { ArrayWrites } from '../../src/backup/array-writes.ts';
import type { CountedWrites } from '../../src/filesystems/write-counters.ts';
import { suite } from '../suite.ts';

const test = suite('writes of md');

class Counter implements CountedWrites {
  completed = 5;
  discarded = 0;
  isLost = false;
  isCounting = false;
  isOpen = true;
  read = (): number => 0;
  [Symbol.dispose] = (): void => {
    this.isOpen = false;
  };
}

const AT_REST = (): boolean => false;

test('an array that cannot be counted, or moves its data, explains nothing', () => {
  const counter = new Counter();
  using uncounted = ArrayWrites.open(
    ['md0', 'md1'],
    (name) => (name === 'md0' ? counter : undefined),
    AT_REST,
  );
  uncounted.readBefore();
  assert.equal(uncounted.explain(1), false);
  assert.equal(counter.isOpen, false);
  using moving = ArrayWrites.open(
    ['md0', 'md1'],
    () => new Counter(),
    (name) => name === 'md1',
  );
  moving.readBefore();
  assert.equal(moving.explain(1), false);
  using none = ArrayWrites.open([], () => new Counter(), AT_REST);
  assert.equal(none.explain(1), false);
});

test('a few writes are explained by quiet arrays, until one of them is gone', () => {
  const counters = [new Counter(), new Counter()];
  using writes = ArrayWrites.open(['0', '1'], (name) => counters[Number(name)], AT_REST);
  writes.readBefore();
  for (const [count, explained] of [
    [0, false],
    [1, true],
    [16, true],
    [17, false],
    [-1, false],
  ] as const) {
    assert.equal(writes.explain(count), explained, String(count));
  }
  const [, second] = counters;
  assert.ok(second);
  second.isLost = true;
  assert.equal(writes.explain(1), false);
});

test.run();
