import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArrayWrites, arraysOver, quietUnderMarks } from '../../src/backup/array-writes.ts';
import type { CountedWrites } from '../../src/filesystems/write-counters.ts';
import { suite } from '../suite.ts';

const test = suite('writes of md');

class Counter implements CountedWrites {
  completed = 5;
  get sectors(): number {
    return this.completed * 8;
  }
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
    [],
    (name) => (name === 'md0' ? counter : undefined),
    AT_REST,
  );
  uncounted.readBefore();
  assert.equal(uncounted.explain(1), false);
  assert.equal(counter.isOpen, false);
  using moving = ArrayWrites.open(
    ['md0', 'md1'],
    [],
    () => new Counter(),
    (name) => name === 'md1',
  );
  moving.readBefore();
  assert.equal(moving.explain(1), false);
  using none = ArrayWrites.open([], [], () => new Counter(), AT_REST);
  assert.equal(none.explain(1), false);
});

test('a few writes are explained by quiet arrays, until one of them is gone', () => {
  const counters = [new Counter(), new Counter()];
  using writes = ArrayWrites.open(['0', '1'], [], (name) => counters[Number(name)], AT_REST);
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

test('a write to a partition beside the array is not one of md', () => {
  const [array, partition] = [new Counter(), new Counter()];
  using writes = ArrayWrites.open(
    ['md0'],
    ['sda2'],
    (name) => (name === 'md0' ? array : partition),
    AT_REST,
  );
  writes.readBefore();
  assert.equal(writes.explain(2), true);
  partition.completed += 1;
  assert.equal(writes.explain(2), false);
  using uncounted = ArrayWrites.open(
    ['md0'],
    ['sda2'],
    (name) => (name === 'md0' ? array : undefined),
    AT_REST,
  );
  uncounted.readBefore();
  assert.equal(uncounted.explain(2), false);
});

/** A folder like /sys/class/block: what holds each device, and names of device mapper. */
function blockDevices(
  holders: Readonly<Record<string, readonly string[]>>,
  volumes: Readonly<Record<string, string>> = {},
): string {
  const directory = mkdtempSync(join(tmpdir(), 'block-'));
  for (const [name, held] of Object.entries(holders)) {
    for (const holder of held) {
      mkdirSync(join(directory, name, 'holders', holder), { recursive: true });
    }
    if (name.startsWith('sda')) {
      mkdirSync(join(directory, 'sda', name), { recursive: true });
      writeFileSync(join(directory, 'sda', name, 'partition'), '1\n');
    }
  }
  mkdirSync(join(directory, 'sda', 'queue'), { recursive: true });
  for (const [name, volume] of Object.entries(volumes)) {
    mkdirSync(join(directory, name, 'dm'), { recursive: true });
    writeFileSync(join(directory, name, 'dm', 'name'), `${volume}\n`);
  }
  return directory;
}

test('besides the array, partitions must be quiet that do not lead to it, whatever is in between', () => {
  const holders = { sda1: ['md0'], sda2: [], sda3: ['dm-0'], 'dm-0': ['md0'], sda4: ['dm-1'] };
  const directory = blockDevices(holders);
  const found = quietUnderMarks(['sda'], ['md0'], directory);
  rmSync(directory, { recursive: true });
  assert.deepEqual(found.toSorted(), ['md0', 'sda2', 'sda4']);
});

test('of an LVM RAID volume only what holds its marks may be written, and of volumes beside it nothing', () => {
  const directory = blockDevices(
    { sdb: ['dm-0', 'dm-1', 'dm-7'], sdc: ['dm-8'], 'dm-0': ['dm-4'], 'dm-1': ['dm-4'] },
    { 'dm-0': 'vg-lv_rmeta_0', 'dm-1': 'vg-lv_rimage_0', 'dm-4': 'vg-lv', 'dm-7': 'vg-beside' },
  );
  const counters = new Map(['dm-1', 'dm-7'].map((name) => [name, new Counter()]));
  using writes = arraysOver('sdb', undefined, (name) => counters.get(name), directory);
  using none = arraysOver('sdc', undefined, () => new Counter(), directory);
  const found = ['sdb', 'sdc'].map((name) => quietUnderMarks([name], [], directory).toSorted());
  rmSync(directory, { recursive: true });
  assert.deepEqual(found, [['dm-1', 'dm-7'], []]);
  for (const name of ['dm-1', 'dm-7']) {
    writes.readBefore();
    none.readBefore();
    assert.deepEqual([writes.explain(2), none.explain(2)], [true, false], name);
    const counter = counters.get(name);
    assert.ok(counter);
    counter.completed += 1;
    assert.equal(writes.explain(2), false, name);
  }
});

test.run();
