import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArrayWrites, arraysOver, markedDevices } from '../../src/backup/array-writes.ts';
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
const quiet = (...names: string[]) => ({ quiet: names, through: [] });

test('an array that cannot be counted, or moves its data, explains nothing', () => {
  const counter = new Counter();
  using uncounted = ArrayWrites.open(
    ['md0', 'md1'],
    quiet('md0', 'md1'),
    (name) => (name === 'md0' ? counter : undefined),
    AT_REST,
  );
  uncounted.readBefore();
  assert.equal(uncounted.explain(1, 8), false);
  assert.equal(counter.isOpen, false);
  using moving = ArrayWrites.open(
    ['md0', 'md1'],
    quiet('md0', 'md1'),
    () => new Counter(),
    (name) => name === 'md1',
  );
  moving.readBefore();
  assert.equal(moving.explain(1, 8), false);
  using none = ArrayWrites.open([], quiet(), () => new Counter(), AT_REST);
  assert.equal(none.explain(1, 8), false);
});

test('a few writes are explained by quiet arrays, until one of them is gone', () => {
  const counters = [new Counter(), new Counter()];
  using writes = ArrayWrites.open(
    ['0', '1'],
    quiet('0', '1'),
    (name) => counters[Number(name)],
    AT_REST,
  );
  writes.readBefore();
  for (const [count, explained] of [
    [0, false],
    [1, true],
    [16, true],
    [17, false],
    [-1, false],
  ] as const) {
    assert.equal(writes.explain(count, 8), explained, String(count));
  }
  const [, second] = counters;
  assert.ok(second);
  second.isLost = true;
  assert.equal(writes.explain(1, 8), false);
});

test('a write to a partition beside the array is not one of md', () => {
  const [array, partition] = [new Counter(), new Counter()];
  using writes = ArrayWrites.open(
    ['md0'],
    quiet('md0', 'sda2'),
    (name) => (name === 'md0' ? array : partition),
    AT_REST,
  );
  writes.readBefore();
  assert.equal(writes.explain(2, 8), true);
  partition.completed += 1;
  assert.equal(writes.explain(2, 8), false);
  using uncounted = ArrayWrites.open(
    ['md0'],
    quiet('md0', 'sda2'),
    (name) => (name === 'md0' ? array : undefined),
    AT_REST,
  );
  uncounted.readBefore();
  assert.equal(uncounted.explain(2, 8), false);
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
  const found = markedDevices(['sda'], ['md0'], directory);
  rmSync(directory, { recursive: true });
  assert.deepEqual(found.quiet.toSorted(), ['md0', 'sda2', 'sda4']);
  assert.deepEqual(found.through.toSorted(), ['dm-0', 'sda1']);
});

/** What an md over partitions explains: more than came through them is not its own. */
function overPartitions(swaps: readonly string[], counterOf: (name: string) => Counter) {
  const directory = blockDevices({ sda1: ['md0'], sda2: ['md1'], sda3: [] });
  const disk = { name: 'sda', path: '/dev/sda', lun: undefined, sizeBytes: 1 };
  const arrays = ['md0', 'md1'];
  const writes = arraysOver('sda', { ...disk, arrays, swaps }, counterOf, directory);
  rmSync(directory, { recursive: true });
  writes.readBefore();
  return writes;
}

test('more than came through the partitions of arrays is not md’s own, but what was swapped is no matter', () => {
  const counters = new Map<string, Counter>();
  const counterOf = (name: string): Counter => {
    const counter = counters.get(name) ?? new Counter();
    counters.set(name, counter);
    return counter;
  };
  // Nothing has been swapped since the machine was started.
  counterOf('sda3').completed = 0;
  using writes = overPartitions(['sda3'], counterOf);
  counterOf('sda1').completed += 1;
  counterOf('sda2').completed += 1;
  assert.deepEqual([writes.explain(2, 16), writes.explain(3, 24)], [true, false]);
  counterOf('sda3').completed += 1;
  assert.equal(writes.explain(2, 24), true);
  counterOf('sda2').isLost = true;
  assert.equal(writes.explain(2, 8), false);
});

test('a volume that is still counting a mark is waited for', () => {
  const counters = new Map(['md0', 'md1', 'sda1', 'sda2', 'sda3'].map((it) => [it, new Counter()]));
  using writes = overPartitions([], (name) => counters.get(name) ?? new Counter());
  const partition = counters.get('sda1');
  assert.ok(partition);
  let looks = 0;
  partition.read = () => {
    looks += 1;
    partition.completed = looks < 4 ? 5 : 6;
    return looks < 4 ? 1 : 0;
  };
  assert.equal(writes.explain(1, 8), true);
});

test('if the kernel counts nothing for partitions, marks are told by the arrays alone', () => {
  const idle = (name: string): Counter => {
    const counter = new Counter();
    counter.completed = name.startsWith('sda') ? 0 : 5;
    return counter;
  };
  using writes = overPartitions([], idle);
  assert.equal(writes.explain(2, 16), true);
});

test('of an LVM RAID volume only what holds its marks may be written, and of volumes beside it nothing', () => {
  const directory = blockDevices(
    { sdb: ['dm-0', 'dm-1', 'dm-7'], sdc: ['dm-8'], 'dm-0': ['dm-4'], 'dm-1': ['dm-4'] },
    { 'dm-0': 'vg-lv_rmeta_0', 'dm-1': 'vg-lv_rimage_0', 'dm-4': 'vg-lv', 'dm-7': 'vg-beside' },
  );
  const counters = new Map(['dm-0', 'dm-1', 'dm-7'].map((name) => [name, new Counter()]));
  using writes = arraysOver('sdb', undefined, (name) => counters.get(name), directory);
  using none = arraysOver('sdc', undefined, () => new Counter(), directory);
  const found = ['sdb', 'sdc'].map((name) => {
    const devices = markedDevices([name], [], directory);
    return { ...devices, quiet: devices.quiet.toSorted() };
  });
  rmSync(directory, { recursive: true });
  assert.deepEqual(found, [
    { quiet: ['dm-1', 'dm-7'], through: ['dm-0'] },
    { quiet: [], through: [] },
  ]);
  const marks = counters.get('dm-0');
  for (const name of ['dm-1', 'dm-7']) {
    writes.readBefore();
    none.readBefore();
    assert.ok(marks);
    marks.completed += 1;
    // As much again that is not of the marks: LVM's metadata, which go to the disk itself.
    assert.equal(writes.explain(3, 16), false, name);
    assert.deepEqual([writes.explain(2, 8), none.explain(2, 8)], [true, false], name);
    const counter = counters.get(name);
    assert.ok(counter);
    counter.completed += 1;
    assert.equal(writes.explain(2, 8), false, name);
  }
});

test.run();
