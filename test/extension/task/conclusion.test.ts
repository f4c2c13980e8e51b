import * as assert from 'uvu/assert';
import { PreflightError } from '../../../src/backup/preflight.ts';
import { type ErrorCode, FlashfreezeError } from '../../../src/errors.ts';
import { concludeError } from '../../../src/extension/task/conclusion.ts';
import { suite } from '../../suite.ts';

const test = suite('conclusion of a task');
const BLOBS = [
  'https://a.example/vhds/one.vhd?sig=secret1',
  'https://a.example/vhds/two.vhd?sig=secret2',
];

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
    ['FF_FREEZE_TIMEOUT', 122],
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

test('names each disk that fails the preflight, and why the others have no snapshot', () => {
  const some = concludeError(new PreflightError([failed(1)], BLOBS), BLOBS);
  assert.is(some.code, 761);
  assert.equal(
    some.snapshots.map(({ isSuccessful, errorMessage }) => [isSuccessful, errorMessage]),
    [
      [false, 'no snapshot was taken, because another disk cannot be snapshotted'],
      [false, 'disk 1 was refused'],
    ],
  );
  assert.is(concludeError(new PreflightError([failed(0), failed(1)], BLOBS), BLOBS).code, 76);
});

test('tells nobody the query of a blob, nor what an unforeseen error says', () => {
  const conclusion = concludeError(new Error('sig=secret1'), BLOBS);
  assert.is(conclusion.code, 2);
  assert.not.match(JSON.stringify(conclusion), 'secret');
  assert.is(conclusion.snapshots[0]?.blobUri, 'https://a.example/vhds/one.vhd');
});

test.run();
