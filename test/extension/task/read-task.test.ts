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

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** On a machine without certificates. */
function withoutCertificates(): TaskContext {
  return {
    redaction: new Redaction(),
    openssl: undefined,
    installation: { libDirectory: '/nonexistent' },
  } as unknown as TaskContext;
}

async function readWithoutCertificates(publicSettings: unknown) {
  const handlerSettings = {
    publicSettings,
    protectedSettings: 'MIIB',
    protectedSettingsCertThumbprint: 'ABCD',
  };
  const text = JSON.stringify({ runtimeSettings: [{ handlerSettings }] });
  return (await readTask(withoutCertificates(), text)).settings;
}

test('protected settings that cannot be read leave the snapshots to the host; the guest has the reason', async () => {
  const objectStr = encode('{"backupMetadata":[],"snapshotTaskToken":"t"}');
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

test('reads NaN, which Python writes, in every part of the settings', async () => {
  const objectStr = encode('{"backupMetadata":[{"Key":"a","Value":NaN}],"x":-Infinity}');
  const customSettings = '{"takeSnapshotFrom":"onlyHost","x":NaN}';
  const text = JSON.stringify({
    runtimeSettings: [
      {
        handlerSettings: {
          publicSettings: { commandToExecute: 'snapshot', objectStr, customSettings },
        },
      },
    ],
  }).replace('"commandToExecute"', '"taskId":NaN,"x":Infinity,"commandToExecute"');
  const { settings } = await readTask(withoutCertificates(), text);
  assert.ok(settings.ok);
  const { taskId, custom, metadata, warnings } = settings.task;
  assert.equal([taskId, custom.takeSnapshotFrom, metadata], ['', 'onlyHost', [['a', '']]]);
  assert.equal(warnings, []);
});

test.run();
