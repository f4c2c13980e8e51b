import * as assert from 'uvu/assert';
import { readHeads } from '../../src/restore/head-check.ts';
import { suite } from '../suite.ts';
import { BIOS_BOOT, gptDisk, LINUX, readerOf, SIZE_BYTES } from './fixtures/gpt-disk.ts';

const test = suite('partition tables of a restore point');

const PART = { type: LINUX, first: 64, last: 4095 };
const BACKUP = SIZE_BYTES - 512;

function changed(disk: Buffer, ...places: readonly number[]): Buffer {
  for (const at of places) {
    disk[at] = (disk[at] ?? 0) ^ 1;
  }
  return disk;
}

function fatOver(disk: Buffer): Buffer {
  disk.write('FAT32', 82, 'latin1');
  return disk;
}

const cases: readonly [name: string, disk: Buffer, table: string, heads: readonly string[]][] = [
  ['a valid GPT', gptDisk([PART]), 'gpt', ['partition 1: blank notLookedInto']],
  [
    'boot code is in no file system',
    gptDisk([PART, { type: BIOS_BOOT, first: 5000, last: 5999 }]),
    'gpt',
    ['partition 1: blank notLookedInto', 'partition 2: boot clean'],
  ],
  ['no partitions', gptDisk([]), 'gpt', ['whole disk: blank notLookedInto']],
  [
    'a wrong checksum of the header: the backup has the partitions',
    changed(gptDisk([PART]), 512 + 40),
    'gpt',
    ['whole disk: gpt damaged', 'partition 1: blank notLookedInto'],
  ],
  [
    'a wrong checksum of the entries',
    changed(gptDisk([PART]), 1024 + 33),
    'gpt',
    ['whole disk: gpt damaged', 'partition 1: blank notLookedInto'],
  ],
  [
    'entries of zeroes',
    gptDisk([PART]).fill(0, 1024, 1024 + 128),
    'gpt',
    ['whole disk: gpt damaged', 'partition 1: blank notLookedInto'],
  ],
  [
    'neither the GPT nor its backup',
    changed(gptDisk([PART]), 512 + 40, BACKUP + 40),
    'gpt',
    ['whole disk: gpt damaged'],
  ],
  [
    'a protective MBR that a file system on the bare disk left alone',
    fatOver(changed(gptDisk([PART]), 512 + 40, BACKUP + 40)),
    'none',
    ['whole disk: vfat clean'],
  ],
  ['a blank disk', Buffer.alloc(SIZE_BYTES), 'none', ['whole disk: blank notLookedInto']],
];

for (const [name, disk, table, expected] of cases) {
  test(name, async () => {
    const found = await readHeads(readerOf(disk), disk.length);
    assert.is(found.table, table);
    assert.equal(
      found.heads.map(({ where, kind, state }) => `${where}: ${kind} ${state}`),
      expected,
    );
  });
}

test.run();
