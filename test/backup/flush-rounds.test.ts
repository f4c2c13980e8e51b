import * as assert from 'uvu/assert';
import { needsAnotherRound, slowestFirst, slowFirst } from '../../src/backup/flush.ts';
import type { FileSystem } from '../../src/filesystems/plan-types.ts';
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

/** File system 3 is in an image on file system 2. */
const FILE_SYSTEMS = [0, 1, 2, 3].map(
  (index): FileSystem => ({
    device: `8:${index}`,
    source: `/dev/sd${index}`,
    mountPoint: `/data/${index}`,
    mountPoints: [`/data/${index}`],
    type: 'ext4',
    disks: [`sd${index}`],
    imageOn: index === 3 ? '8:2' : undefined,
  }),
);
const WAVES = [[3], [0, 1, 2]];
const flushNs = (...ms: readonly number[]): bigint[] => ms.map((it) => BigInt(it) * 1_000_000n);

const orders: readonly [string, bigint[], number[][]][] = [
  ['keeps the waves if every disk is quick', flushNs(1, 99, 2, 3), [[3], [0, 1, 2]]],
  ['keeps the waves if every disk is slow', flushNs(100, 200, 300, 400), [[3], [0, 1, 2]]],
  ['freezes a slow one before all others', flushNs(1, 150, 2, 3), [[1], [3], [0, 2]]],
  ['freezes several slow ones at the same time', flushNs(120, 150, 2, 3), [[0, 1], [3], [2]]],
  ['keeps an image before the slow one that holds it', flushNs(1, 1, 500, 1), [[3], [2], [0, 1]]],
  ['freezes the very slow before the slow', flushNs(150, 5_000, 2, 3), [[1], [0], [3], [2]]],
  ['keeps the waves if nothing was flushed', [], [[3], [0, 1, 2]]],
];

test('keeps before a slow one whatever needs it: the daemon behind an image, and what needs that', () => {
  // 0 needs 1, and 1 needs 2, by ways that no image shows.
  const plan = { fileSystems: FILE_SYSTEMS.slice(0, 3), dependents: [[], [0], [0, 1]] };
  const waves = [[0], [1], [2]];
  assert.equal(slowFirst(plan, waves, flushNs(1, 1, 300)), waves);
  assert.equal(slowFirst(plan, waves, flushNs(1, 300, 1)), waves);
  assert.equal(slowFirst(plan, waves, flushNs(1, 1, 5_000)), waves);
});

for (const [name, times, expected] of orders) {
  test(name, () => {
    assert.equal(slowFirst({ fileSystems: FILE_SYSTEMS }, WAVES, times), expected);
  });
}

test.run();
