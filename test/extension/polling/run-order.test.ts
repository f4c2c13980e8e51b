import * as assert from 'uvu/assert';
import type { BackupRecord } from '../../../src/backup/record.ts';
import { FlashfreezeError } from '../../../src/errors.ts';
import { heldMsOf, type OrderResult, resultOf } from '../../../src/extension/polling/run-order.ts';
import { QuiesceError } from '../../../src/quiesce/quiesce-error.ts';
import {
  failedAnswer,
  goodAnswer,
  goodRecord,
  heldTimes,
  targetRecord,
  unchangedWrites,
} from '../../backup/fixtures/records.ts';
import { suite } from '../../suite.ts';

const test = suite('result of an order');
const MS = 1_000_000n;
const FINDING = { code: 300, message: 'it failed', tolerated: true } as const;

function ran(changes: Partial<BackupRecord> = {}): OrderResult {
  return resultOf({ ok: true, record: goodRecord(1, changes), failedFreeze: undefined });
}

function ended(error: unknown): OrderResult {
  return resultOf({ ok: false, error });
}

test('a consistent snapshot has no fault, with and without an application', () => {
  const plain = ran();
  assert.is(plain.fault, undefined);
  assert.is(plain.conclusion.code, 1);
  assert.is(plain.conclusion.consistency, 'fileSystemConsistent');
  assert.is(plain.isStarted, true);
  const application = { name: 'scripts', findings: [], held: undefined };
  const whole = ran({ application });
  assert.is(whole.fault, undefined);
  assert.is(whole.conclusion.code, 0);
  const warned = ran({ application: { ...application, findings: [FINDING] } });
  assert.is(warned.fault, undefined);
  assert.is(warned.conclusion.code, 300);
});

test('a script that must not fail makes it a fault, also after the thaw', () => {
  const findings = [{ ...FINDING, code: 301, tolerated: false } as const];
  const { fault, isStarted, conclusion } = ran({
    application: { name: 'scripts', findings, held: undefined },
  });
  assert.is(fault?.code, '301');
  assert.is(isStarted, true);
  assert.is(conclusion.consistency, 'none');
});

test('an error before the freeze is told with its result code', () => {
  const quiesce = ended(new QuiesceError([{ ...FINDING, tolerated: false }]));
  assert.is(quiesce.fault?.code, '300');
  assert.is(quiesce.isStarted, false);
  assert.is(ended(new FlashfreezeError('FF_LOCK_TIMEOUT', 'held by others')).fault?.code, '121');
  assert.is(ended(new FlashfreezeError('FF_HOST_UNREACHABLE', 'gone')).fault?.code, '76');
});

test('of an error that is not ours nothing is told: it may hold anything', () => {
  const { fault } = ended(new Error('sig=secret'));
  assert.is(fault?.code, '2');
  assert.not.match(fault?.message ?? '', 'secret');
});

test('a snapshot without freeze, or one that failed, does not count', () => {
  const plan = { ...goodRecord(1).plan, fileSystems: [] };
  const crash = ran({ plan, fileSystems: [] });
  assert.is(crash.fault?.code, '121');
  assert.is(crash.conclusion.consistency, 'crashConsistent');
  const failed = ran({ disks: [targetRecord(failedAnswer(0, { httpStatus: 503 }))] });
  assert.is(failed.fault?.code, '76');
  assert.match(failed.fault?.message ?? '', 'the service said no');
});

test('a snapshot of a disk that something wrote to meanwhile does not count, and the host hears why', () => {
  const writes = { kind: 'changed', disks: ['sda'] } as const;
  const { fault } = ran({ disks: [targetRecord(goodAnswer(0), [0], { writes })] });
  assert.is(fault?.code, '2');
  assert.match(fault?.message ?? '', 'wrote to /dev/sda during the snapshot');
});

test('freeze to answer counts, from nine seconds on, and not what came before', () => {
  const heldUntil = (ms: bigint): Partial<BackupRecord> => ({
    fileSystems: [heldTimes({ thawStartNs: (ms + 1n) * MS, thawedNs: (ms + 2n) * MS })],
    disks: [
      targetRecord(goodAnswer(0, { acknowledgedNs: ms * MS }), [0], {
        writes: { ...unchangedWrites(), toNs: ms * MS },
      }),
    ],
    // An application that was held for a minute before.
    application: {
      name: 'scripts',
      findings: [],
      held: { fromNs: -60_000n * MS, toNs: (ms + 100n) * MS },
    },
  });
  assert.is(ran(heldUntil(9_009n)).fault, undefined);
  const { fault, conclusion, heldMs } = ran(heldUntil(9_010n));
  assert.is(heldMs, 9_000);
  assert.is(fault?.code, '122');
  assert.is(conclusion.code, 122);
  assert.is(conclusion.consistency, 'none');
  assert.equal(
    conclusion.snapshots.map(({ isSuccessful, errorMessage }) => [isSuccessful, errorMessage]),
    [[false, fault?.message]],
  );
});

test('what was not frozen or not answered was held for no time that could be told', () => {
  assert.is(heldMsOf({ fileSystems: [], disks: [targetRecord(goodAnswer(0))] }), undefined);
  assert.is(
    heldMsOf({ fileSystems: [heldTimes()], disks: [targetRecord(failedAnswer(0))] }),
    undefined,
  );
});

test.run();
