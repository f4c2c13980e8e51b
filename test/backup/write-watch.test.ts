import assert from 'node:assert/strict';
import { WriteWatch } from '../../src/backup/write-watch.ts';
import type { CountedWrites } from '../../src/filesystems/write-counters.ts';
import { suite } from '../suite.ts';

const test = suite('write watch');

const NOT_ALL_FROZEN = (): boolean => false;

/** A counter that the test sets. */
class Counter implements CountedWrites {
  completed = 0;
  /** Of the completed writes; they write nothing. */
  flushes = 0;
  get sectors(): number {
    return (this.completed - this.flushes) * 8;
  }
  discarded = 0;
  underWay = 0;
  isLost = false;
  isCounting = false;
  read = (): number => this.underWay;
  [Symbol.dispose] = (): void => {};
}

const SWAPPING = { name: 'sda', path: '/dev/sda', lun: undefined, sizeBytes: 1, swaps: ['sda2'] };

/** The result for the only disk; `meanwhile` happens between the request and its answer. */
function seenOf(meanwhile: (disk: Counter, swap: Counter) => void): string | undefined {
  const [disk, swap] = [new Counter(), new Counter()];
  using watch = WriteWatch.open([['sda']], [SWAPPING], NOT_ALL_FROZEN, (name) =>
    name === 'sda' ? disk : swap,
  );
  watch.beforeRequests([0], false);
  watch.atBarrier([]);
  meanwhile(disk, swap);
  watch.afterAnswers([0]);
  return watch.results()[0]?.kind;
}

test('a flush that anyone sent, as sync(1) does, is no change; a write beside it is', () => {
  const flush = (disk: Counter): void => {
    disk.completed = 2;
    disk.flushes = 2;
  };
  const write = (disk: Counter): void => {
    disk.completed = 2;
    disk.flushes = 1;
  };
  const discard = (disk: Counter): void => {
    flush(disk);
    disk.discarded = 1;
  };
  assert.deepEqual([flush, write, discard].map(seenOf), ['unchanged', 'changed', 'changed']);
});

test('distinguishes swap from other writes, completed and in flight', () => {
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

test('a write that was in flight at the first reading may end, but no other may be added', () => {
  const seen = (ended: number, underWay: number): string | undefined => {
    const disk = new Counter();
    disk.underWay = 2;
    using watch = WriteWatch.open([['sda']], [], NOT_ALL_FROZEN, () => disk);
    watch.atBarrier([]);
    disk.completed = ended;
    disk.underWay = underWay;
    watch.afterAnswers([0]);
    return watch.results()[0]?.kind;
  };
  assert.equal(seen(2, 0), 'unchanged');
  // Either one of them has ended, or another one has begun and ended: the counters do not show which.
  assert.equal(seen(1, 1), 'changed');
  assert.equal(seen(2, 1), 'changed');
  assert.equal(seen(3, 0), 'changed');
});

for (const when of ['at the barrier', 'before it'] as const) {
  test(`the last write of a freeze, which the kernel is still counting ${when}, is waited for`, () => {
    const disk = new Counter();
    let looks = Number.NEGATIVE_INFINITY;
    disk.read = () => {
      looks += 1;
      disk.isCounting = looks > 0 && looks < 6;
      disk.completed = looks < 6 ? 0 : 1;
      return 0;
    };
    using watch = WriteWatch.open([['sda']], [], NOT_ALL_FROZEN, () => disk);
    looks = 0;
    if (when === 'before it') {
      watch.beforeRequests([0], false);
      looks = 6;
    }
    watch.atBarrier([]);
    watch.afterAnswers([0]);
    assert.equal(watch.results()[0]?.kind, 'unchanged');
  });
}

/** A member of md0 with frozen file systems only, or with something else besides. */
function memberSeen(
  isAllFrozen: boolean,
  meanwhile: (disk: Counter, array: Counter) => void,
): string | undefined {
  const [disk, array] = [new Counter(), new Counter()];
  const member = {
    ...{ name: 'sda', path: '/dev/sda', lun: undefined, sizeBytes: 1 },
    arrays: ['md0'],
  };
  using watch = WriteWatch.open(
    [['sda']],
    [member],
    () => isAllFrozen,
    (name) => (name === 'sda' ? disk : array),
  );
  watch.beforeRequests([0], false);
  watch.atBarrier([]);
  meanwhile(disk, array);
  watch.afterAnswers([0]);
  return watch.results()[0]?.kind;
}

test('marks of md are no change of a disk, where all is frozen and nothing came through the array', () => {
  const marks = (disk: Counter): void => {
    disk.completed = 2;
  };
  assert.equal(memberSeen(true, marks), 'unchanged');
  assert.equal(memberSeen(false, marks), 'changed');
});

test('other writes to a member of an array change it', () => {
  const cases: readonly ((disk: Counter, array: Counter) => void)[] = [
    (disk, array) => {
      disk.completed = 2;
      array.completed = 1;
    },
    (disk, array) => {
      disk.completed = 2;
      array.underWay = 1;
    },
    (disk, array) => {
      disk.completed = 2;
      array.discarded = 1;
    },
    // A resynchronisation, or a program that writes to the member itself.
    (disk) => {
      disk.completed = 100;
    },
  ];
  for (const meanwhile of cases) {
    assert.equal(memberSeen(true, meanwhile), 'changed');
  }
});

test('discards change a disk, unless nothing but frozen file systems lies on it', () => {
  const seen = (isAllFrozen: boolean, meanwhile: (disk: Counter) => void): string | undefined => {
    const disk = new Counter();
    using watch = WriteWatch.open(
      [['sda']],
      [],
      () => isAllFrozen,
      () => disk,
    );
    watch.atBarrier([]);
    meanwhile(disk);
    watch.afterAnswers([0]);
    return watch.results()[0]?.kind;
  };
  const discards = (disk: Counter): void => {
    disk.discarded = 1;
  };
  const writes = (disk: Counter): void => {
    disk.completed = 1;
  };
  assert.equal(seen(true, discards), 'unchanged');
  assert.equal(seen(false, discards), 'changed');
  assert.equal(seen(true, writes), 'changed');
  assert.equal(seen(false, writes), 'changed');
});

test('a discard in flight on a disk of frozen file systems is waited for at both ends', () => {
  const disk = new Counter();
  let looks = Number.POSITIVE_INFINITY;
  disk.read = () => {
    looks += 1;
    disk.discarded = looks < 4 ? 0 : 1;
    return looks < 4 ? 1 : 0;
  };
  using watch = WriteWatch.open(
    [['sda']],
    [],
    () => true,
    () => disk,
  );
  looks = 0;
  watch.atBarrier([]);
  looks = 0;
  watch.afterAnswers([0]);
  assert.equal(watch.results()[0]?.kind, 'unchanged');
});

/** How often a counter is read. */
function readsOf(counter: Counter): { count: number } {
  const reads = { count: 0 };
  const { read } = counter;
  counter.read = () => {
    reads.count += 1;
    return read();
  };
  return reads;
}

test('the readings of a window wait for one limited time in all, not for each answer', () => {
  const disks = Array.from({ length: 8 }, () => new Counter());
  const names = disks.map((_, index) => `sd${index}`);
  for (const disk of disks) {
    disk.underWay = 1;
  }
  using watch = WriteWatch.open(
    names.map((name) => [name]),
    [],
    () => true,
    (name) => disks[names.indexOf(name)],
  );
  watch.atBarrier([]);
  const reads = disks.map(readsOf);
  for (const index of disks.keys()) {
    watch.afterAnswers([index]);
  }
  assert.deepEqual(
    reads.map(({ count }) => count),
    disks.map(() => 1),
  );
});

test('what swaps are busy with is not waited for at the barrier', () => {
  const [disk, swap] = [new Counter(), new Counter()];
  disk.underWay = 1;
  swap.underWay = 1;
  using watch = WriteWatch.open(
    [['sda']],
    [SWAPPING],
    () => true,
    (name) => (name === 'sda' ? disk : swap),
  );
  const reads = readsOf(disk);
  watch.atBarrier([]);
  assert.equal(reads.count, 1);
});

test('what is in flight is not waited for if it turns out to be no discard', () => {
  const disk = new Counter();
  disk.underWay = 1;
  using watch = WriteWatch.open(
    [['sda']],
    [],
    () => true,
    () => disk,
  );
  let looks = 0;
  disk.read = () => {
    looks += 1;
    disk.completed = looks;
    return 1;
  };
  watch.atBarrier([]);
  assert.equal(looks, 2);
});

test('a request that stays with the kernel is not waited for without a limit', () => {
  const disk = new Counter();
  disk.isCounting = true;
  using watch = WriteWatch.open([['sda']], [], NOT_ALL_FROZEN, () => disk);
  watch.atBarrier([]);
  disk.completed = 1;
  watch.afterAnswers([0]);
  assert.equal(watch.results()[0]?.kind, 'changed');
});

test('a write that is in flight before the barrier must not end afterwards, but may be counted late', () => {
  const seen = (looksUntilCounted: number): string | undefined => {
    const disk = new Counter();
    let looks = Number.NEGATIVE_INFINITY;
    disk.read = () => {
      looks += 1;
      disk.completed = looks > looksUntilCounted ? 1 : 0;
      return 1 - disk.completed;
    };
    using watch = WriteWatch.open([['sda']], [], NOT_ALL_FROZEN, () => disk);
    looks = 0;
    watch.beforeRequests([0], false);
    looks = Number.POSITIVE_INFINITY;
    watch.atBarrier([0]);
    return watch.results()[0]?.kind;
  };
  assert.equal(seen(5), 'unchanged');
  assert.equal(seen(50), 'changed');
});

test('swap that was in flight at the first reading hides no other write', () => {
  const seen = (disk: number, swap: number): string | undefined => {
    const [ofDisk, ofSwap] = [new Counter(), new Counter()];
    ofDisk.underWay = 1;
    ofSwap.underWay = 1;
    using watch = WriteWatch.open([['sda']], [SWAPPING], NOT_ALL_FROZEN, (name) =>
      name === 'sda' ? ofDisk : ofSwap,
    );
    watch.atBarrier([]);
    [ofDisk.completed, ofDisk.underWay] = [disk, 0];
    [ofSwap.completed, ofSwap.underWay] = [swap, 0];
    watch.afterAnswers([0]);
    return watch.results()[0]?.kind;
  };
  assert.equal(seen(1, 1), 'unchanged');
  assert.equal(seen(3, 3), 'unchanged');
  assert.equal(seen(2, 1), 'changed');
});

test('a target is unread if one of its disks is gone', () => {
  const disk = new Counter();
  using watch = WriteWatch.open([['sda']], [], NOT_ALL_FROZEN, () => disk);
  watch.atBarrier([]);
  disk.isLost = true;
  watch.afterAnswers([0]);
  assert.equal(watch.results()[0]?.kind, 'unread');
});

test('a target is unread if its counters were not read after the answer, unless there are none', () => {
  const counter = new Counter();
  using watch = WriteWatch.open([['sda'], ['sdb'], []], [], NOT_ALL_FROZEN, (name) =>
    name === 'sda' ? counter : undefined,
  );
  watch.beforeRequests([0, 1, 2], false);
  assert.deepEqual(
    watch.results().map(({ kind }) => kind),
    ['unread', 'unknown', 'unknown'],
  );
});

test.run();
