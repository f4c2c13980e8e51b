import * as assert from 'uvu/assert';
import { mayBeCrashConsistent } from '../../../src/extension/snapshot-method/crash-consistent.ts';
import {
  doSnapshotRequestOf,
  preSnapshotRequestOf,
} from '../../../src/extension/snapshot-method/host-requests.ts';
import { trustedNow } from '../../../src/extension/snapshot-method/trusted-time.ts';
import { readPreSnapshot } from '../../../src/snapshot/host/pre-snapshot.ts';
import { blobsAt } from '../../snapshot/blob/fixtures/blobs.ts';
import { suite } from '../../suite.ts';
import { taskSettings } from './task-settings.ts';

const test = suite('requests to the host');

const PLAIN = readPreSnapshot(200, '{"result":"ok"}', 0n);
const ENCRYPTION = [{ Key: 'DiskEncryptionKeySecretUrl', Value: 'https://vault/secret' }];
const ENCRYPTED = readPreSnapshot(
  200,
  JSON.stringify({
    isOsDiskADEEncrypted: true,
    areDataDisksADEEncrypted: 'false',
    DiskEncryptionSettings: ENCRYPTION,
  }),
  0n,
);

test('backupTaskId replaces the task’s id towards the host', () => {
  const settings = taskSettings({ custom: { backupTaskId: 'backup-7' } });
  assert.is(preSnapshotRequestOf(settings).taskId, 'backup-7');
  assert.is(doSnapshotRequestOf(settings, PLAIN).taskId, 'backup-7');
  assert.is(doSnapshotRequestOf(taskSettings(), PLAIN).taskId, 'task_1');
});

test('the flags are all there, off where the task does not name them', () => {
  const settings = taskSettings({
    dynamicConfigs: [
      ['isSnapshotTtlEnabled', 'True'],
      ['useMccfForLad', 'false'],
      ['useMccfToFetchDsasForAllDisks', ''],
      ['EnableVMSnapshotExtensionPolling', 'sometimes'],
    ],
    includedDisks: { isVmmdBlobIncluded: true, luns: [-1, 2], instantAccessDurationMinutes: 60 },
  });
  const request = doSnapshotRequestOf(settings, PLAIN);
  assert.equal(request.settings, [
    ['isSnapshotTtlEnabled', true],
    ['useMccfToFetchDsasForAllDisks', false],
    ['useMccfForLad', false],
    ['EnableVMSnapshotExtensionPolling', 'sometimes'],
    ['isVmmdBlobIncluded', true],
  ]);
  assert.equal(request.diskIds, [-1, 2]);
  assert.is(request.instantAccessDurationMinutes, 60);
  assert.equal(request.metadata, [['backup', 'yes']]);
});

test('encryption settings go back as they came, for an encrypted VM only', () => {
  const encrypted = taskSettings({ includedDisks: { isVmAdeEnabled: true } });
  const request = doSnapshotRequestOf(encrypted, ENCRYPTED);
  assert.equal(request.settings.slice(-2), [
    ['isOsDiskADEEncrypted', true],
    ['areDataDisksADEEncrypted', false],
  ]);
  assert.equal(request.metadata.at(-1), ['DiskEncryptionSettings', ENCRYPTION]);
  assert.is(doSnapshotRequestOf(taskSettings(), ENCRYPTED).metadata.length, 1);
  const silent = doSnapshotRequestOf(encrypted, PLAIN);
  assert.is(silent.metadata.length, 1);
  assert.not.match(JSON.stringify(silent.settings), 'ADEEncrypted');
});

test('what is encrypted goes back also where nothing is said about how', () => {
  const encrypted = taskSettings({ includedDisks: { isVmAdeEnabled: true } });
  for (const DiskEncryptionSettings of [undefined, null, []]) {
    const body = JSON.stringify({ isOsDiskADEEncrypted: 'True', DiskEncryptionSettings });
    const request = doSnapshotRequestOf(encrypted, readPreSnapshot(200, body, 0n));
    assert.equal(request.settings.slice(-2), [
      ['isOsDiskADEEncrypted', true],
      ['areDataDisksADEEncrypted', false],
    ]);
    assert.equal(request.metadata, [['backup', 'yes']]);
  }
});

test('the host’s clock counts on from its answer', () => {
  const responseTime = new Date('2026-11-22T02:00:00Z');
  const now = trustedNow({ responseTime, receivedNs: 1_000_000_000n }, 4_000_000_000n);
  assert.is(now.toISOString(), '2026-11-22T02:00:03.000Z');
  assert.ok(Math.abs(trustedNow(undefined).getTime() - Date.now()) < 1_000);
});

test('a crash-consistent snapshot is permitted only where everything is given', () => {
  const all = { isManagedVm: true, canTakeCrashConsistentSnapshot: true, backupRetryCount: 1 };
  const none = { isManagedVm: false, canTakeCrashConsistentSnapshot: false, backupRetryCount: 0 };
  const one = { luns: [-1] };
  assert.ok(mayBeCrashConsistent(taskSettings({ custom: all, includedDisks: one })));
  assert.ok(
    mayBeCrashConsistent(taskSettings({ custom: all, blobs: blobsAt('https://a/b/c?sig=x') })),
  );
  assert.not(mayBeCrashConsistent(taskSettings({ custom: all })));
  assert.not(mayBeCrashConsistent(taskSettings({ custom: all, includedDisks: { luns: [0, 1] } })));
  assert.not(mayBeCrashConsistent(taskSettings({ custom: all, includedDisks: { luns: [] } })));
  for (const name of [
    'isManagedVm',
    'canTakeCrashConsistentSnapshot',
    'backupRetryCount',
  ] as const) {
    const custom = { ...all, [name]: none[name] };
    assert.not(mayBeCrashConsistent(taskSettings({ custom, includedDisks: one })), name);
  }
});

test.run();
