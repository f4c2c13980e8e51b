import assert from 'node:assert/strict';
import { interpretSettings } from '../../../src/extension/settings/task-settings.ts';
import { blobsAt } from '../../snapshot/blob/fixtures/blobs.ts';
import { suite } from '../../suite.ts';
import { PRIVATE_OBJECT, PROPERTY_VALUES } from '../fixtures/samples.ts';

import { encode, METADATA, read, refused } from './read-settings.ts';

const test = suite('settings of a task');

test('the least that a snapshot needs leaves everything else at its default', () => {
  assert.deepEqual(read(), {
    taskId: '',
    command: 'snapshot',
    start: undefined,
    locale: 'en-US',
    isV2: false,
    blobs: [],
    blobProblem: undefined,
    metadata: [['backupTaskId', '1']],
    logsBlobUri: undefined,
    statusBlobUri: undefined,
    snapshotTaskToken: undefined,
    includedDisks: {
      luns: undefined,
      lunProblem: undefined,
      isOsDiskIncluded: false,
      isAnyDiskExcluded: false,
      isVmgsBlobIncluded: false,
      isAnyWriteAcceleratedDiskIncluded: false,
      isAnyDirectDriveDiskIncluded: false,
      isVmmdBlobIncluded: false,
      isVmAdeEnabled: false,
      instantAccessDurationMinutes: undefined,
    },
    dynamicConfigs: [],
    custom: {
      takeSnapshotFrom: undefined,
      isManagedVm: false,
      backupTaskId: undefined,
      writeAcceleratedLuns: [],
      canTakeCrashConsistentSnapshot: false,
      backupRetryCount: 0,
      isOnlyOsDiskBackupEnabled: undefined,
    },
    warnings: [],
  });
});

const FULL_CUSTOM_SETTINGS = {
  takeSnapshotFrom: 'onlyGuest',
  isManagedVm: true,
  backupTaskId: 'other_1',
  waDiskLunList: [3],
  canTakeCrashConsistentSnapshot: true,
  backupRetryCount: 2,
  isOnlyOSDiskBackupEnabled: true,
};

const FULL_SETTINGS = {
  taskId: 'e07354cf-041e-4370-929f-25a319ce8933_1',
  commandToExecute: 'snapshot',
  commandStartTimeUTCTicks: '636458000000000000',
  locale: 'fr-FR',
  vmType: 'Microsoft.Compute/VirtualMachines',
  objectStr: encode({
    backupMetadata: [...METADATA, { Key: 'Retention', Value: 'Ünï' }],
    includedDisks: {
      dataDiskLunList: [0, 2],
      isOSDiskIncluded: true,
      isAnyDiskExcluded: true,
      isVmgsBlobIncluded: true,
      isAnyWADiskIncluded: true,
      isAnyDirectDriveDiskIncluded: true,
      isVmmdBlobIncluded: true,
      isVMADEEnabled: true,
      instantAccessDurationMinutes: 300,
    },
    dynamicConfigsFromCRP: [{ Key: 'ISSNAPSHOTTTLENABLED', Value: true }],
  }),
  customSettings: JSON.stringify(FULL_CUSTOM_SETTINGS),
  logsBlobUri: 'https://a.blob.core.windows.net/l/l.txt?sig=a',
};

const FULL_PROTECTED_SETTINGS = {
  objectStr: encode(PRIVATE_OBJECT),
  statusBlobUri: 'https://a.blob.core.windows.net/l/s.txt?sig=b',
  snapshotTaskToken: 'token',
};

test('everything that can be said is understood', () => {
  assert.deepEqual(interpretSettings(FULL_SETTINGS, FULL_PROTECTED_SETTINGS), {
    taskId: 'e07354cf-041e-4370-929f-25a319ce8933_1',
    command: 'snapshot',
    start: { ticks: '636458000000000000', at: new Date('2017-11-09T04:53:20Z') },
    locale: 'fr-FR',
    isV2: true,
    blobs: blobsAt(...JSON.parse(PRIVATE_OBJECT).blobSASUri),
    blobProblem: undefined,
    metadata: [
      ['backupTaskId', '1'],
      ['Retention', 'Ünï'],
    ],
    logsBlobUri: 'https://a.blob.core.windows.net/l/l.txt?sig=a',
    statusBlobUri: 'https://a.blob.core.windows.net/l/s.txt?sig=b',
    snapshotTaskToken: 'token',
    includedDisks: {
      luns: [0, 2, -1],
      lunProblem: undefined,
      isOsDiskIncluded: true,
      isAnyDiskExcluded: true,
      isVmgsBlobIncluded: true,
      isAnyWriteAcceleratedDiskIncluded: true,
      isAnyDirectDriveDiskIncluded: true,
      isVmmdBlobIncluded: true,
      isVmAdeEnabled: true,
      instantAccessDurationMinutes: 300,
    },
    dynamicConfigs: [['isSnapshotTtlEnabled', 'true']],
    custom: {
      takeSnapshotFrom: 'onlyGuest',
      isManagedVm: true,
      backupTaskId: 'other_1',
      writeAcceleratedLuns: [3],
      canTakeCrashConsistentSnapshot: true,
      backupRetryCount: 2,
      isOnlyOsDiskBackupEnabled: true,
    },
    warnings: [],
  });
});

test('the sample of the public documentation gives five blobs without escapes', () => {
  const { blobs } = read({}, {}, { objectStr: encode(PRIVATE_OBJECT) });
  assert.equal(blobs.length, 5);
  assert.ok(
    blobs.every(({ url }) =>
      /^https:\/\/sopattna\d+\.blob\.core\.windows\.net\/[\w-]+\/[\w.-]+\?sv=2014-02-14&sr=b&sig=[^&]+&st=/.test(
        url,
      ),
    ),
  );
});

test('the ticks of the public property table are passed over, not guessed at', () => {
  const { start, warnings } = read(JSON.parse(PROPERTY_VALUES));
  assert.equal(start, undefined);
  assert.match(warnings.join('\n'), /^commandStartTimeUTCTicks .*scientific notation/m);
});

test('commands: snapshot or install anywhere in the text, in any case', () => {
  for (const command of ['snapshot', 'Snapshot', ' SNAPSHOT ', 'takeSnapshotNow']) {
    assert.equal(read({ commandToExecute: command }).command, 'snapshot', command);
  }
  for (const command of [
    'install',
    'Install',
    ' INSTALL\n',
    'Install extension',
    'snapshot;install',
  ]) {
    assert.equal(interpretSettings({ commandToExecute: command }, undefined).command, 'install');
  }
  for (const command of [undefined, null, '', ' ', 'restore', 'instal', 'geheim', 'snap shot', 0]) {
    refused(
      () => read({ commandToExecute: command }),
      /^commandToExecute of the settings is (missing|unknown); expected snapshot or install/,
    );
  }
  for (const command of [{}, ['snapshot'], true]) {
    refused(
      () => read({ commandToExecute: command }),
      /^commandToExecute of the settings must be text/,
    );
  }
});

test.run();
