import * as assert from 'uvu/assert';
import { PreflightError } from '../../../src/backup/preflight.ts';
import type { BackupRecord } from '../../../src/backup/record.ts';
import { type ErrorCode, FlashfreezeError } from '../../../src/errors.ts';
import {
  type Conclusion,
  concludeError,
  concludeTaken,
} from '../../../src/extension/task/task-result.ts';
import {
  failedAnswer,
  goodAnswer,
  goodRecord,
  targetRecord,
} from '../../backup/fixtures/records.ts';
import { blobsAt } from '../../snapshot/blob/fixtures/blobs.ts';
import { suite } from '../../suite.ts';

const test = suite('conclusion of a task');
const BLOBS = blobsAt(
  'https://a.example/vhds/one.vhd?sig=secret1',
  'https://a.example/vhds/two.vhd?sig=secret2',
);
const NAMES = BLOBS.map(({ name }) => name);

const failed = (target: number) =>
  ({
    target,
    failure: {
      kind: 'refused',
      message: `disk ${target} was refused`,
      httpStatus: 403,
      serviceCode: 'AuthenticationFailed',
      requestId: undefined,
    },
  }) as const;

test('gives each error of ours its code', () => {
  const cases: [ErrorCode, number][] = [
    ['FF_SETTINGS_INVALID', 11],
    ['FF_DECRYPTION_FAILED', 11],
    ['FF_SETTINGS_MISSING', 12],
    ['FF_CERTIFICATE_MISSING', 16],
    ['FF_LOCK_TIMEOUT', 121],
    ['FF_FLUSH_TIMEOUT', 122],
    ['FF_MOUNT_OPEN', 123],
    ['FF_ADDON_MISSING', 124],
    ['FF_GUARDIAN_MISSING', 124],
    ['FF_STARTED_TOO_LATE', 402],
    ['FF_INTERRUPTED', 2],
    ['FF_INTERNAL', 2],
  ];
  for (const [code, expected] of cases) {
    const conclusion = concludeError(new FlashfreezeError(code, 'what happened'), BLOBS);
    assert.is(conclusion.code, expected, code);
    assert.is(conclusion.message, 'what happened');
    assert.is(conclusion.consistency, 'none');
  }
});

const GUEST = {
  name: 'guestExtension',
  hostStatusCodePreSnapshot: undefined,
  hostStatusCodeDoSnapshot: undefined,
} as const;

/** What is reported of a run by the guest. */
function concluded(changes: Partial<BackupRecord>): Conclusion {
  const result = { ok: true, record: goodRecord(2, changes), failedFreeze: undefined } as const;
  return concludeTaken({ creator: GUEST, result }, BLOBS);
}

test('crash-consistent snapshots after a failed freeze succeed, and the code says why nothing was frozen', () => {
  const record = goodRecord(2, {
    fileSystems: [],
    plan: { ...goodRecord(2).plan, fileSystems: [] },
  });
  const codes = (['FF_LOCK_TIMEOUT', 'FF_MOUNT_OPEN', 122, 'FF_NOTHING_TO_FREEZE'] as const).map(
    (code) => {
      const failedFreeze = { message: 'why', code };
      const taken = { creator: GUEST, result: { ok: true, record, failedFreeze } } as const;
      const { consistency, message, code: found } = concludeTaken(taken, BLOBS);
      assert.is(consistency, 'crashConsistent');
      assert.match(message, 'Nothing was frozen: why');
      return found;
    },
  );
  assert.equal(codes, [121, 123, 122, 1]);
});

test('a disk that the service left out is told in the message and is no fault', () => {
  const missing = [{ path: '/dev/sdx', mountPoints: ['/x'] }];
  const gap = {
    kind: 'missing-disks',
    missing,
    coveredAtMost: 0,
    frozen: 3,
    isTolerated: true,
  } as const;
  const { code, consistency, message } = concluded({ gaps: [gap] });
  assert.equal([code, consistency], [1, 'fileSystemConsistent']);
  assert.match(message, /^Snapshots of 2 disks show .* 2 of 3 frozen disks .*\/dev\/sdx \(\/x\)/);
});

test('half of a file system is a fault, and the message says of which', () => {
  const gap = {
    kind: 'half',
    mountPoint: '/data/1',
    disks: ['/dev/sdb', '/dev/sdx'],
    without: ['/dev/sdx'],
  } as const;
  const { code, consistency, message } = concluded({ gaps: [gap] });
  assert.equal([code, consistency], [2, 'none']);
  assert.match(message, '/data/1 lies on /dev/sdb, /dev/sdx, but no snapshot is taken of /dev/sdx');
});

test('a disk with something unfrozen makes the set crash consistent, and the message says what', () => {
  const gap = {
    kind: 'left-out',
    mountPoint: '/left',
    type: 'xfs',
    reason: 'skipped',
    disk: '/dev/sdb',
  } as const;
  const { code, consistency, message, snapshots } = concluded({ gaps: [gap] });
  assert.equal([code, consistency], [1, 'crashConsistent']);
  assert.match(message, '/dev/sdb carries /left (xfs), which was not frozen');
  assert.equal(
    snapshots.map(({ isSuccessful }) => isSuccessful),
    [true, true],
  );
});

test('what was tolerated is told in the message: the script, its exit code, and the code', () => {
  const findings = [
    { code: 300, message: 'the pre-script /a/pre.sh ended with exit code 7', tolerated: true },
    { code: 309, message: 'the post-script /a/post.sh was ended', tolerated: true },
  ] as const;
  const application = { name: 'scripts', findings, held: undefined };
  const { code, consistency, message } = concluded({ application });
  assert.equal([code, consistency], [300, 'fileSystemConsistent']);
  assert.match(message, '/a/pre.sh ended with exit code 7 (code 300).');
  assert.match(message, '/a/post.sh was ended (code 309).');
});

test('a disk that failed is told in the message, with the service’s reason', () => {
  const disks = [targetRecord(goodAnswer(0)), targetRecord(failedAnswer(1))];
  const { code, message, snapshots } = concluded({ disks });
  assert.is(code, 761);
  assert.match(message, 'disk1.vhd');
  assert.match(message, 'the service said no');
  assert.is(snapshots[1]?.snapshotUri, undefined);
});

test('names each disk that fails the preflight, and why the others have no snapshot', () => {
  const some = concludeError(new PreflightError([failed(1)], NAMES), BLOBS);
  assert.is(some.code, 761);
  assert.equal(
    some.snapshots.map(({ isSuccessful, errorMessage }) => [isSuccessful, errorMessage]),
    [
      [false, 'no snapshot was taken, because another disk cannot be snapshotted'],
      [false, 'disk 1 was refused'],
    ],
  );
  assert.is(concludeError(new PreflightError([failed(0), failed(1)], NAMES), BLOBS).code, 76);
});

test('tells nobody the query of a blob, nor what an unforeseen error says', () => {
  const conclusion = concludeError(new Error('sig=secret1'), BLOBS);
  assert.is(conclusion.code, 2);
  assert.not.match(JSON.stringify(conclusion), 'secret');
  assert.is(conclusion.snapshots[0]?.blobUri, 'https://a.example/vhds/one.vhd');
});

test.run();
