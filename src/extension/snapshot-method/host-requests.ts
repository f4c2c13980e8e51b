import type { RequestedProvider } from '../../backup/request.ts';
import {
  type DoSnapshotRequest,
  doSnapshotCall,
  type HostPair,
} from '../../snapshot/host/do-snapshot.ts';
import type { HostClient } from '../../snapshot/host/host-client.ts';
import type { PreSnapshot, PreSnapshotRequest } from '../../snapshot/host/pre-snapshot.ts';
import type { TaskSettings } from '../task-types.ts';
import { flagOf } from './flags.ts';

/** The flags that every request carries, in the order of host-api.md; off if the task does not name them. */
const FLAGS = [
  'isSnapshotTtlEnabled',
  'useMccfToFetchDsasForAllDisks',
  'useMccfForLad',
  'EnableVMSnapshotExtensionPolling',
] as const;

/** What identifies the task to the host. */
function hostTaskId({ custom, taskId }: TaskSettings): string {
  return custom.backupTaskId ?? taskId;
}

/** Secret: holds the task's token. */
export function preSnapshotRequestOf(settings: TaskSettings): PreSnapshotRequest {
  return {
    taskId: hostTaskId(settings),
    snapshotTaskToken: settings.snapshotTaskToken ?? '',
    isVmAdeEnabled: settings.includedDisks.isVmAdeEnabled,
  };
}

/** The host as the snapshot provider of a run, with its request prepared. Secret. */
export function hostProviderOf(
  client: HostClient,
  settings: TaskSettings,
  preSnapshot: PreSnapshot,
): Extract<RequestedProvider, { kind: 'host' }> {
  return { kind: 'host', client, call: doSnapshotCall(doSnapshotRequestOf(settings, preSnapshot)) };
}

/** Pure. Secret: token and encryption settings. */
export function doSnapshotRequestOf(
  settings: TaskSettings,
  preSnapshot: PreSnapshot,
): DoSnapshotRequest {
  const { includedDisks, metadata } = settings;
  const encryption = encryptionOf(includedDisks.isVmAdeEnabled, preSnapshot);
  return {
    taskId: hostTaskId(settings),
    diskIds: includedDisks.luns ?? [],
    settings: [
      ...FLAGS.map((name): HostPair => [name, flagOf(settings, name)]),
      ['isVmmdBlobIncluded', includedDisks.isVmmdBlobIncluded],
      ...encryption.settings,
    ],
    snapshotTaskToken: settings.snapshotTaskToken ?? '',
    metadata: [...metadata, ...encryption.metadata],
    instantAccessDurationMinutes: includedDisks.instantAccessDurationMinutes,
  };
}

/** What pre-snapshot reported about the disks' encryption is sent back unchanged. */
function encryptionOf(
  isEnabled: boolean,
  { isOsDiskAdeEncrypted, areDataDisksAdeEncrypted, diskEncryptionSettings }: PreSnapshot,
): { settings: HostPair[]; metadata: HostPair[] } {
  const isEmpty = Array.isArray(diskEncryptionSettings) && diskEncryptionSettings.length === 0;
  const hasSettings = diskEncryptionSettings !== undefined && !isEmpty;
  const isTold = isOsDiskAdeEncrypted !== undefined || areDataDisksAdeEncrypted !== undefined;
  if (!isEnabled || (!hasSettings && !isTold)) {
    return { settings: [], metadata: [] };
  }
  return {
    settings: [
      ['isOsDiskADEEncrypted', isOsDiskAdeEncrypted ?? false],
      ['areDataDisksADEEncrypted', areDataDisksAdeEncrypted ?? false],
    ],
    metadata: hasSettings ? [['DiskEncryptionSettings', diskEncryptionSettings]] : [],
  };
}
