import type { SnapshotMethod } from '../config/vmbackup.ts';
import type { FlashfreezeError } from '../errors.ts';
import type { Consistency, ResultCode } from '../result-codes.ts';
import type { Blob } from '../snapshot/blob/blob.ts';
import type { DirectDriveSnapshot } from '../snapshot/snapshot-types.ts';

/** A member of the many `[{"Key": …, "Value": …}]` lists. */
export type Pair = readonly [key: string, value: string];

/**
 * What a task asks for, read from the public and the decrypted protected settings and checked
 * (settings.md, Extension resource). Holds secrets: every URL, and the token.
 */
export interface TaskSettings {
  /** Empty if the settings name none. */
  readonly taskId: string;
  readonly command: 'snapshot' | 'install';
  /** Undefined if the task has no scheduled start. */
  readonly start: ScheduledStart | undefined;
  readonly locale: string;
  /** True for `microsoft.compute/virtualmachines`: the service reads the outcome from the blob. */
  readonly isV2: boolean;
  /** One page blob for each disk, in the task's order. */
  readonly blobs: readonly Blob[];
  /** Why the guest cannot take the snapshots with these blobs; undefined if it can. The host needs none of them. */
  readonly blobProblem?: FlashfreezeError | undefined;
  /** `backupMetadata`: metadata of every snapshot. */
  readonly metadata: readonly Pair[];
  readonly logsBlobUri: string | undefined;
  readonly statusBlobUri: string | undefined;
  readonly snapshotTaskToken: string | undefined;
  readonly includedDisks: IncludedDisks;
  /** `dynamicConfigsFromCRP`, keys as spelt in settings.md. */
  readonly dynamicConfigs: readonly Pair[];
  readonly custom: CustomSettings;
  /** What was passed over, as sentences for people; without secrets. */
  readonly warnings: readonly string[];
}

export interface ScheduledStart {
  /** As given: .NET ticks, 100 ns since 0001-01-01T00:00Z. */
  readonly ticks: string;
  readonly at: Date;
}

/** `includedDisks` of the public object. */
export interface IncludedDisks {
  /** `dataDiskLunList`, and −1 for the OS disk; undefined if no list is given, or if it cannot be read. */
  readonly luns: readonly number[] | undefined;
  /** Why the host cannot be told the disks; undefined if it can. The guest needs the blobs only. */
  readonly lunProblem?: FlashfreezeError | undefined;
  readonly isOsDiskIncluded: boolean;
  readonly isAnyDiskExcluded: boolean;
  readonly isVmgsBlobIncluded: boolean;
  readonly isAnyWriteAcceleratedDiskIncluded: boolean;
  readonly isAnyDirectDriveDiskIncluded: boolean;
  readonly isVmmdBlobIncluded: boolean;
  readonly isVmAdeEnabled: boolean;
  readonly instantAccessDurationMinutes: number | undefined;
}

/** `customSettings`. */
export interface CustomSettings {
  readonly takeSnapshotFrom: SnapshotMethod | undefined;
  readonly isManagedVm: boolean;
  /** Replaces `taskId` towards the host. */
  readonly backupTaskId: string | undefined;
  readonly writeAcceleratedLuns: readonly number[];
  readonly canTakeCrashConsistentSnapshot: boolean;
  readonly backupRetryCount: number;
  /** Undefined if the settings do not say. */
  readonly isOnlyOsDiskBackupEnabled: boolean | undefined;
}

/** One disk of a task's result (status.md, snapshotInfo). No secrets: URLs are without their query. */
export interface SnapshotInfo {
  readonly isSuccessful: boolean;
  /**
   * `<blob URL>?snapshot=<time>`, or as the host gives it; undefined if there is none, and of a Direct Drive disk, which
   * readers recognise by that.
   */
  readonly snapshotUri: string | undefined;
  /** Empty on success. */
  readonly errorMessage: string;
  /** The disk's blob, byte for byte as the service or the host names it, without a query; undefined if it names none. */
  readonly blobUri: string | undefined;
  /** Of a Direct Drive disk, which only the host snapshots. */
  readonly directDrive?: DirectDriveSnapshot | undefined;
}

/** Used space (status.md, storageDetails). */
export interface StorageDetails {
  readonly partitionCount: number;
  readonly totalUsedSizeInBytes: number;
  readonly isSizeComputationFailed: boolean;
}

/** Everything a task's status tells; the status blob and the status file are rendered from it. */
export interface TaskReport {
  /** `Publisher.Type` of the installed handler. */
  readonly handlerName: string;
  /** The most telling code, which may be a warning; `outcomeOf` tells the outcome alone. */
  readonly code: ResultCode;
  /** For people, before the closing parts that status.md prescribes are added. */
  readonly message: string;
  readonly consistency: Consistency;
  readonly taskId: string;
  /** Ticks as given; empty if there is no scheduled start. */
  readonly startTicks: string;
  readonly locale: string;
  readonly isV2: boolean;
  readonly storage: StorageDetails | undefined;
  readonly telemetry: readonly Pair[];
  readonly uniqueMachineId: string;
  readonly snapshots: readonly SnapshotInfo[];
  /** The parts of messageStr's end: snapshotCreator=…, hostStatusCode…=…, statusBlobUploadError. */
  readonly creator: SnapshotCreator | undefined;
  readonly statusBlobUploadError: boolean;
}

export interface SnapshotCreator {
  readonly name: 'guestExtension' | 'backupHostService';
  readonly hostStatusCodePreSnapshot: string | undefined;
  readonly hostStatusCodeDoSnapshot: string | undefined;
}
