import type { VmBackupConfiguration } from '../config/vmbackup.ts';
import type { BackupRequest } from './request.ts';

/** What a run is asked for by the machine's configuration alone. Pure. */
export function configuredRequest(
  configuration: VmBackupConfiguration,
): Omit<BackupRequest, 'taskId'> {
  return {
    blobs: [],
    selection: { include: [], skip: configuration.mountsToSkip },
    timeoutMs: configuration.timeoutMs,
    waveLimitMs: configuration.waveLimitMs,
    retryStuckFreeze: configuration.retryStuckFreeze,
    lastLever: configuration.lastLever,
    btrfsMaintenance: configuration.btrfsMaintenance,
    fire: configuration.fire,
    sequential: configuration.sequentialSnapshot,
    settle: true,
    freeze: configuration.freeze,
    strictMatch: false,
    isPartial: false,
    foreignBlobs: 'refuse',
    startAt: undefined,
    metadata: [],
    lanes: configuration.lanes,
  };
}
