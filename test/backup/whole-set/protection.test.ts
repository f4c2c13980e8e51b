import assert from 'node:assert/strict';
import type { SetGap } from '../../../src/backup/whole-set/describe-gap.ts';
import { protectionOf } from '../../../src/backup/whole-set/protection.ts';
import { suite } from '../../suite.ts';
import { failedAnswer, goodAnswer, goodRecord, targetRecord } from '../fixtures/records.ts';

const test = suite('protection');

function missing(paths: readonly string[], coveredAtMost = 0, isTolerated = false): SetGap {
  return {
    kind: 'missing-disks',
    missing: paths.map((path) => ({ path, mountPoints: ['/x'] })),
    ...{ coveredAtMost, isTolerated, frozen: 9 },
  };
}

const HALF: SetGap = {
  kind: 'half',
  mountPoint: '/x',
  disks: ['/dev/sdc', '/dev/sdd'],
  without: ['/dev/sdd'],
};

test('every disk with a snapshot: complete', () => {
  assert.deepEqual(protectionOf(goodRecord(3)), { isComplete: true, unprotected: 0 });
});

for (const [name, gaps, unprotected] of [
  ['a disk without a blob', [missing(['/dev/sdc'])], 1],
  ['one that was left out on request', [missing(['/dev/sdc'], 0, true)], 1],
  [
    'three, of which the blobs of unknown disks can be one',
    [missing(['/dev/a', '/dev/b', '/dev/c'], 1)],
    2,
  ],
  ['half a file system', [HALF], 1],
  ['half a file system, whose disk is missing too', [missing(['/dev/sdd']), HALF], 1],
  ['fewer answers of the host', [{ kind: 'host-answers', answers: 2, disks: 5 }], 3],
] as const) {
  test(`${name}: ${unprotected} unprotected`, () => {
    assert.deepEqual(protectionOf({ ...goodRecord(2), gaps }), { isComplete: false, unprotected });
  });
}

test('a snapshot that failed is a disk without one', () => {
  const disks = [targetRecord(goodAnswer(0)), targetRecord(failedAnswer(1))];
  assert.deepEqual(protectionOf({ disks, gaps: [] }), { isComplete: false, unprotected: 1 });
});

test('a gap that tears the instant only leaves every disk its snapshot', () => {
  const gap: SetGap = {
    kind: 'left-out',
    mountPoint: '/x',
    type: 'xfs',
    reason: 'skipped',
    disk: '/dev/sda',
  };
  assert.deepEqual(protectionOf({ ...goodRecord(1), gaps: [gap] }), {
    isComplete: true,
    unprotected: 0,
  });
});

test('a command in the window has no set', () => {
  const disks = [targetRecord(goodAnswer(0), [0], { behind: { kind: 'command' } })];
  assert.equal(protectionOf({ disks, gaps: [] }), undefined);
});

test.run();
