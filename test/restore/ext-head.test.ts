import * as assert from 'uvu/assert';
import { judgeExt } from '../../src/restore/ext-head.ts';
import type { HeadState } from '../../src/restore/head-types.ts';
import { suite } from '../suite.ts';
import { readerOf } from './fixtures/gpt-disk.ts';

const test = suite('superblocks of ext2, ext3 and ext4');

const VALID = 0x1;
const ERRORS = 0x2;
const HAS_JOURNAL = 0x4;
const NEEDS_RECOVERY = 0x4;

const cases: readonly [
  name: string,
  state: number,
  features: readonly [compatible: number, incompatible: number],
  expected: HeadState,
  detail: string,
][] = [
  ['without a journal, unmounted', VALID, [0, 0], 'clean', 'it was unmounted or frozen'],
  ['without a journal, mounted or frozen', 0, [0, 0], 'notLookedInto', 'whether it was frozen'],
  ['without a journal, with errors', ERRORS, [0, 0], 'damaged', 'recorded errors'],
  [
    'with a journal, never unmounted',
    0,
    [HAS_JOURNAL, 0],
    'needsRecovery',
    'not unmounted cleanly',
  ],
  ['with a journal to replay', VALID, [HAS_JOURNAL, NEEDS_RECOVERY], 'needsRecovery', 'replayed'],
  ['with an empty journal', VALID, [HAS_JOURNAL, 0], 'clean', 'needs_recovery is not set'],
];

for (const [name, state, [compatible, incompatible], expected, detail] of cases) {
  test(name, async () => {
    const disk = Buffer.alloc(4096);
    const superblock = disk.subarray(1024, 2048);
    superblock.writeUInt32LE(4, 0x04);
    superblock.writeUInt16LE(state, 0x3a);
    superblock.writeUInt32LE(compatible, 0x5c);
    superblock.writeUInt32LE(incompatible, 0x60);
    const judged = await judgeExt(readerOf(disk), disk.length);
    assert.is(judged.state, expected);
    assert.match(judged.detail, detail);
  });
}

test.run();
