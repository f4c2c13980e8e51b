import assert from 'node:assert/strict';
import { WriteWatch } from '../../src/backup/write-watch.ts';
import type { CountedWrites } from '../../src/filesystems/write-counters.ts';
import { suite } from '../suite.ts';

const test = suite('the watch for writes');

/** Counts what the test says. */
class Counter implements CountedWrites {
  completed = 0;
  underWay = 0;
  read = (): number => this.underWay;
  [Symbol.dispose] = (): void => {};
}

const SWAPPING = { name: 'sda', path: '/dev/sda', lun: undefined, sizeBytes: 1, swaps: ['sda2'] };

/** Of the only disk, after what happens between the request and its answer. */
function seenOf(meanwhile: (disk: Counter, swap: Counter) => void): string | undefined {
  const [disk, swap] = [new Counter(), new Counter()];
  using watch = WriteWatch.open([['sda']], [SWAPPING], (name) => (name === 'sda' ? disk : swap));
  watch.beforeRequests([0]);
  watch.atBarrier([]);
  meanwhile(disk, swap);
  watch.afterAnswers([0]);
  return watch.results()[0]?.kind;
}

test('tells swap from other writes, completed and under way', () => {
  const count = (disk: number, swap: number, which: 'completed' | 'underWay') =>
    seenOf((ofDisk, ofSwap) => {
      ofDisk[which] = disk;
      ofSwap[which] = swap;
    });
  for (const which of ['completed', 'underWay'] as const) {
    assert.equal(count(0, 0, which), 'unchanged');
    assert.equal(count(2, 2, which), 'unchanged');
    assert.equal(count(2, 1, which), 'changed');
    assert.equal(count(1, 0, which), 'changed');
  }
});

test('a write that is not counted yet right after the freeze is not taken for a later one', () => {
  const disk = new Counter();
  let looks = 0;
  disk.read = () => {
    looks += 1;
    disk.completed = looks > 6 ? 1 : 0;
    return 1 - disk.completed;
  };
  using watch = WriteWatch.open([['sda']], [], () => disk);
  looks = 3;
  disk.completed = 0;
  watch.beforeRequests([0]);
  watch.atBarrier([0]);
  assert.equal(watch.results()[0]?.kind, 'unchanged');
});

test('a target is unread if nobody looked when its answer came, unless there is nothing to read', () => {
  const counter = new Counter();
  using watch = WriteWatch.open([['sda'], ['sdb'], []], [], (name) =>
    name === 'sda' ? counter : undefined,
  );
  watch.beforeRequests([0, 1, 2]);
  assert.deepEqual(
    watch.results().map(({ kind }) => kind),
    ['unread', 'unknown', 'unknown'],
  );
});

test.run();
