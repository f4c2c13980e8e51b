import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { WriteCounter } from '../../src/filesystems/write-counters.ts';
import { loadAddon } from '../../src/system/native.ts';
import { suite } from '../suite.ts';

const test = suite('write counters');

/** A folder as /sys/class/block is. */
class BlockFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'flashfreeze-block-'));

  disk(name: string, stat: string, more: { inflight?: string; iostats?: string } = {}): void {
    mkdirSync(join(this.path, name, 'queue'), { recursive: true });
    writeFileSync(join(this.path, name, 'stat'), `${stat}\n`);
    writeFileSync(join(this.path, name, 'inflight'), more.inflight ?? '       0        0\n');
    writeFileSync(join(this.path, name, 'queue/iostats'), `${more.iostats ?? '1'}\n`);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** As Linux 6.18 prints it: 12 writes, 3 discards. */
const STAT =
  '     100        0     2000       10       12        5      300       20        0       40       30        3        0       80        1        2        0';

test('counts completed writes and discards', () => {
  using folder = new BlockFolder();
  folder.disk('sdc', STAT);
  using counter = WriteCounter.open('sdc', folder.path);
  assert.is(counter?.read(), 0);
  assert.equal([counter?.completed, counter?.discarded], [12, 3]);
});

test('sees by the same descriptor what is written later', () => {
  using folder = new BlockFolder();
  folder.disk('sdc', STAT);
  using counter = WriteCounter.open('sdc', folder.path);
  counter?.read();
  folder.disk('sdc', STAT.replace('  12 ', '  13 '));
  counter?.read();
  assert.is(counter?.completed, 13);
});

test('an old kernel prints fewer fields, and no discards', () => {
  using folder = new BlockFolder();
  folder.disk('sdc', ' 100 0 2000 10 4294967296123 5 300 20 0 40 30');
  using counter = WriteCounter.open('sdc', folder.path);
  counter?.read();
  assert.is(counter?.completed, 4_294_967_296_123);
});

test('something that is under way counts only if it writes', () => {
  using folder = new BlockFolder();
  const busy = STAT.replace('       20        0', '       20        2');
  folder.disk('sdc', busy, { inflight: '       2        0\n' });
  folder.disk('sdd', busy, { inflight: '       1        1\n' });
  using reading = WriteCounter.open('sdc', folder.path);
  using writing = WriteCounter.open('sdd', folder.path);
  assert.is(reading?.read(), 0);
  assert.is(writing?.read(), 1);
});

test('a request that is neither counted nor with the driver is one that the kernel is counting', () => {
  using folder = new BlockFolder();
  const busy = STAT.replace('       20        0', '       20        1');
  const inflights = ['       0        0\n', '       1        0\n', '       0        1\n'];
  const isCounting = inflights.map((inflight) => {
    folder.disk('sdc', busy, { inflight });
    using counter = WriteCounter.open('sdc', folder.path);
    counter?.read();
    return counter?.isCounting;
  });
  assert.equal(isCounting, [true, false, false]);
});

test('before Linux 5.11 a write under way to a partition shows in the partition alone', () => {
  using folder = new BlockFolder();
  folder.disk('sdc', STAT);
  for (const [partition, inflight] of [
    ['sdc1', '       0        1\n'],
    ['sdc2', '       3        2\n'],
  ] as const) {
    folder.disk(`sdc/${partition}`, STAT, { inflight });
    writeFileSync(join(folder.path, 'sdc', partition, 'partition'), '1\n');
  }
  using old = WriteCounter.open('sdc', folder.path, '5.4.0-1109-azure');
  using later = WriteCounter.open('sdc', folder.path, '5.15.0-1064-azure');
  assert.is(old?.read(), 3);
  assert.is(later?.read(), 0);
});

/** `happens` while the counter reads `stat` for the first time: between its two sums, so that the line shows neither. */
function readWhile(kernel: string, happens: (folder: BlockFolder) => void): number | undefined {
  using folder = new BlockFolder();
  folder.disk('sdc', STAT);
  const addon = loadAddon();
  const { readNumbers } = addon;
  let isFirst = true;
  addon.readNumbers = (descriptor, numbers) => {
    readNumbers(descriptor, numbers);
    if (isFirst) {
      isFirst = false;
      happens(folder);
    }
  };
  try {
    using counter = WriteCounter.open('sdc', folder.path, kernel);
    assert.is(counter?.read(), 0);
    return counter?.completed;
  } finally {
    addon.readNumbers = readNumbers;
  }
}

test('before Linux 5.17 a line of stat is not of one moment: what ends within it is seen all the same', () => {
  const ends = (folder: BlockFolder): void => folder.disk('sdc', STAT.replace('  12 ', '  13 '));
  assert.is(readWhile('5.15.0-1064-azure', ends), 13);
  assert.is(readWhile('4.18.0-553.el8_10.x86_64', ends), 13);
  assert.is(readWhile('6.8.0-1017-azure', ends), 12);
});

test('a disk that is not there, or whose writes are not counted, has no counter', () => {
  using folder = new BlockFolder();
  folder.disk('sdc', STAT, { iostats: '0' });
  assert.is(WriteCounter.open('sdc', folder.path), undefined);
  assert.is(WriteCounter.open('sdx', folder.path), undefined);
});

for (const [what, file] of [
  ['an md array', 'md/level'],
  ['a volume of device mapper', 'dm/name'],
] as const) {
  test(`${what} counts if it has ever counted, whatever its switch says`, () => {
    using folder = new BlockFolder();
    const device = (name: string, stat: string): void => {
      folder.disk(name, stat, { iostats: '0' });
      mkdirSync(join(folder.path, name, dirname(file)));
      writeFileSync(join(folder.path, name, file), 'raid1\n');
    };
    device('one', STAT);
    device('two', STAT.replaceAll(/\d+/g, '0'));
    using counter = WriteCounter.open('one', folder.path);
    counter?.read();
    assert.is(counter?.completed, 12);
    assert.is(WriteCounter.open('two', folder.path), undefined);
  });
}

test.run();
