import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../../src/errors.ts';
import { LATEST_START_MS, readTask, requireInTime } from '../../../src/extension/task/read-task.ts';
import type { TaskContext } from '../../../src/extension/task/task-context.ts';
import { Redaction } from '../../../src/log/redaction.ts';
import { suite } from '../../suite.ts';

const test = suite('reading a task');
const START = { ticks: '0', at: new Date('2026-11-22T06:00:00Z') };

test('lets a task begin early, on time and up to 140 minutes late', () => {
  for (const lateMs of [-172_800_000, -3_600_000, 0, LATEST_START_MS]) {
    requireInTime({ start: START }, new Date(START.at.getTime() + lateMs));
  }
  requireInTime({ start: undefined }, new Date());
});

test('refuses one that is later, and says how late it is', () => {
  const now = new Date(START.at.getTime() + LATEST_START_MS + 60_000);
  assert.throws(
    () => requireInTime({ start: START }, now),
    (error: unknown) =>
      error instanceof FlashfreezeError &&
      error.code === 'FF_STARTED_TOO_LATE' &&
      error.message.includes('141 minutes ago'),
  );
});

/** Reads a settings file on a machine without certificates. */
async function readWithoutCertificates(publicSettings: unknown) {
  const context = {
    redaction: new Redaction(),
    openssl: undefined,
    installation: { libDirectory: '/nonexistent' },
  } as unknown as TaskContext;
  const handlerSettings = {
    publicSettings,
    protectedSettings: 'MIIB',
    protectedSettingsCertThumbprint: 'ABCD',
  };
  const text = JSON.stringify({ runtimeSettings: [{ handlerSettings }] });
  return (await readTask(context, text)).settings;
}

test('protected settings that cannot be read leave the snapshots to the host; the guest has the reason', async () => {
  const objectStr = Buffer.from('{"backupMetadata":[],"snapshotTaskToken":"t"}').toString('base64');
  const read = await readWithoutCertificates({ commandToExecute: 'snapshot', objectStr });
  assert.ok(read.ok);
  assert.is(read.task.blobProblem?.code, 'FF_CERTIFICATE_MISSING');
  assert.is(read.task.snapshotTaskToken, 't');
  assert.match(
    read.task.warnings.join(),
    /^only the host can take the snapshots: the certificate /,
  );
});

test('protected settings that cannot be read are the error if the public ones are not enough either', async () => {
  for (const publicSettings of [null, {}, { commandToExecute: 'snapshot' }]) {
    const read = await readWithoutCertificates(publicSettings);
    assert.ok(!read.ok && read.error instanceof FlashfreezeError);
    assert.is(read.error.code, 'FF_CERTIFICATE_MISSING');
  }
});

test.run();
