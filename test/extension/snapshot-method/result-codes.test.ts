import * as assert from 'uvu/assert';
import { judge } from '../../../src/backup/outcome.ts';
import { PreflightError } from '../../../src/backup/preflight.ts';
import type { BackupRecord } from '../../../src/backup/record.ts';
import { FlashfreezeError } from '../../../src/errors.ts';
import { guestEndOf, guestEndOfError } from '../../../src/extension/snapshot-method/guest-end.ts';
import { readDoSnapshot } from '../../../src/snapshot/host/do-snapshot.ts';
import type { SnapshotAnswer } from '../../../src/snapshot/snapshot-types.ts';
import {
  failedAnswer,
  goodAnswer,
  goodRecord,
  targetRecord,
} from '../../backup/fixtures/records.ts';
import { suite } from '../../suite.ts';

const test = suite('outcome of a run by the host');

const GOOD = { isSuccessful: true, snapshotUri: 'https://a.example/v/d.vhd?snapshot=2026' };
const RATE = { isSuccessful: false, errorMessage: 'The rate of snapshot blob calls is exceeded' };
const COUNT = {
  isSuccessful: false,
  errorMessage: 'The snapshot count against this blob has been exceeded',
};
const LOST = { isSuccessful: false, errorMessage: 'disk not found' };

/** As a host provider's record is: one target that everything is frozen for. */
function hostRecord(statusCode: number, body: string): BackupRecord {
  const record = goodRecord(2);
  const disks = readDoSnapshot(statusCode, body, [-1, 0]).map((disk) => {
    const { uri, lun, directDrive } = disk;
    const host = { statusCode: disk.statusCode, uri, lun, directDrive };
    const answer: SnapshotAnswer = disk.ok
      ? goodAnswer(0, { snapshot: disk.snapshot, host })
      : { ...failedAnswer(0, { serviceCode: disk.serviceCode }), host };
    return targetRecord(answer, [0, 1]);
  });
  return { ...record, disks };
}

const entries = (...snapshotInfo: object[]): string => JSON.stringify({ snapshotInfo });

const CASES: readonly (readonly [what: string, statusCode: number, body: string, code: number])[] =
  [
    ['every disk taken', 200, entries(GOOD, GOOD), 1],
    ['one disk failed', 200, entries(GOOD, LOST), 761],
    ['one disk left out', 200, entries(GOOD), 761],
    ['every disk failed', 200, entries(LOST, LOST), 76],
    ['one disk too often', 200, entries(GOOD, RATE), 173],
    ['every disk too often', 200, entries(RATE, RATE), 173],
    ['too many of one disk', 200, entries(COUNT, GOOD), 85],
    ['too often and too many', 200, entries(COUNT, RATE), 173],
    ['the service is not running', 556, '<html>', 556],
    ['the service does not answer', 555, '', 76],
    ['the service says nothing', 557, '', 76],
    ['the service says what nobody understands', 200, '[]', 76],
    ['the service refuses', 403, '', 76],
  ];

for (const [what, statusCode, body, code] of CASES) {
  test(`${what}: ${code}`, () => {
    const outcome = judge(hostRecord(statusCode, body));
    assert.is(outcome.code, code);
    assert.is(outcome.consistency, code === 1 ? 'fileSystemConsistent' : 'none');
    assert.is(outcome.problems.length > 0, code !== 1);
  });
}

test('the guest’s own requests are never the host’s fault', () => {
  const disks = [0, 1].map((target) => targetRecord(failedAnswer(target, { httpStatus: 556 })));
  assert.is(judge(goodRecord(2, { disks })).code, 76);
});

test('the host may help where every disk’s own request failed, and not where the freeze did', () => {
  const failed = [0, 1].map((target) => targetRecord(failedAnswer(target)));
  const one = [targetRecord(goodAnswer(0)), targetRecord(failedAnswer(1))];
  const stuck = { kind: 'deadline', stuck: [0] } as const;
  const cases: readonly (readonly [Partial<BackupRecord>, string])[] = [
    [{ disks: failed }, 'every-disk-failed'],
    [{ disks: failed, end: { kind: 'deadline', stuck: [] } }, 'every-disk-failed'],
    [{ disks: one }, 'ended'],
    [{}, 'ended'],
    [{ disks: failed, barrier: undefined, end: stuck }, 'ended'],
    [{ disks: failed, end: { kind: 'signal', signal: 'SIGTERM' } }, 'ended'],
    [{ disks: failed, end: { kind: 'guardian-lost' } }, 'ended'],
  ];
  for (const [changes, expected] of cases) {
    assert.is(guestEndOf(goodRecord(2, changes)), expected);
  }
});

test('a preflight that no disk passes counts like requests that failed', () => {
  const failure = failedAnswer(0).failure;
  assert.ok(failure);
  const check = (target: number) => ({ target, failure });
  const both = new PreflightError([check(0), check(1)], ['a', 'b']);
  assert.is(guestEndOfError(both, 2), 'every-disk-failed');
  assert.is(guestEndOfError(new PreflightError([check(0)], ['a', 'b']), 2), 'ended');
  assert.is(guestEndOfError(new FlashfreezeError('FF_LOCK_TIMEOUT', 'held'), 2), 'ended');
});

test.run();
