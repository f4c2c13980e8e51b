import type { TaskSettings } from '../../../src/extension/task-types.ts';
import { blobsAt } from '../../snapshot/blob/fixtures/blobs.ts';

type Overrides = Omit<Partial<TaskSettings>, 'custom' | 'includedDisks'> & {
  readonly custom?: Partial<TaskSettings['custom']>;
  readonly includedDisks?: Partial<TaskSettings['includedDisks']>;
};

/** A task with two blobs that asks for nothing special. */
export function taskSettings({ custom, includedDisks, ...rest }: Overrides = {}): TaskSettings {
  return {
    taskId: 'task_1',
    command: 'snapshot',
    start: undefined,
    locale: 'en-US',
    isV2: true,
    blobs: blobsAt(
      'https://a.blob.core.windows.net/vhds/os.vhd?sig=s1',
      'https://a.blob.core.windows.net/vhds/d.vhd?sig=s2',
    ),
    metadata: [['backup', 'yes']],
    logsBlobUri: undefined,
    statusBlobUri: undefined,
    snapshotTaskToken: 'secret-task-token',
    dynamicConfigs: [],
    warnings: [],
    ...rest,
    includedDisks: {
      luns: undefined,
      isOsDiskIncluded: false,
      isAnyDiskExcluded: false,
      isVmgsBlobIncluded: false,
      isAnyWriteAcceleratedDiskIncluded: false,
      isAnyDirectDriveDiskIncluded: false,
      isVmmdBlobIncluded: false,
      isVmAdeEnabled: false,
      instantAccessDurationMinutes: undefined,
      ...includedDisks,
    },
    custom: {
      takeSnapshotFrom: undefined,
      isManagedVm: false,
      backupTaskId: undefined,
      writeAcceleratedLuns: [],
      canTakeCrashConsistentSnapshot: false,
      backupRetryCount: 0,
      isOnlyOsDiskBackupEnabled: false,
      ...custom,
    },
  };
}
