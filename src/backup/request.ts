import type {
  BtrfsMaintenance,
  FireRule,
  LastLever as LastLeverMode,
  VmBackupConfiguration,
} from '../config/vmbackup.ts';
import type { Selection } from '../filesystems/plan-types.ts';
import type { QuiescePlan } from '../quiesce/quiesce-types.ts';
import type { Blob } from '../snapshot/blob/blob.ts';
import type { HeldCommand } from '../snapshot/command/held-command.ts';
import type { HostCall } from '../snapshot/host/host-call.ts';
import type { HostClient } from '../snapshot/host/host-client.ts';
import type { ManagedWishes } from '../snapshot/managed/managed-set.ts';
import type { PhaseName } from './record.ts';

/** The request for one run. Contains secrets (`blobs`, `provider`). */
export interface BackupRequest {
  /** Empty if the snapshots are not of blobs, or the host or a command takes them. */
  readonly blobs: readonly Blob[];
  /** What takes the snapshots; missing: the guest. */
  readonly provider?: RequestedProvider;
  /** The VM uses Azure Disk Encryption: the snapshot's metadata must contain what unlocks the disk. */
  readonly encrypted?: boolean;
  readonly selection: Selection;
  /** The longest time that file systems may be frozen, from the first FIFREEZE on. */
  readonly timeoutMs: number;
  /** The longest time that one wave may take to freeze before the freeze is broken off. */
  readonly waveLimitMs: number;
  /** The longest time that flushing dirty data before the freeze may take. */
  readonly flushLimitMs: number;
  /** How long a disk's snapshot request, with its tries, may hold the writers beyond the usual time. */
  readonly patienceMs: number;
  /** Whether a freeze that was broken off is tried once more, with the stuck file systems first. */
  readonly retryStuckFreeze: boolean;
  /** What to do about a freeze that no thaw releases. */
  readonly lastLever: LastLeverMode;
  /** What to do about long btrfs operations. */
  readonly btrfsMaintenance: BtrfsMaintenance;
  readonly fire: FireRule;
  /** Sends one request after the other instead of all at once. */
  readonly sequential: boolean;
  /** Flushes dirty data before the freeze. */
  readonly settle: boolean;
  /** False: nothing is frozen, and the snapshots are crash-consistent. */
  readonly freeze: boolean;
  /** Refuses the run if a blob does not belong to the disk that was named, or if a frozen disk has no blob. */
  readonly strictMatch: boolean;
  /** A frozen disk without a blob is not a fault. */
  readonly isPartial: boolean;
  /** What to do about a blob that belongs to none of this machine's disks. */
  readonly foreignBlobs: ForeignBlobs;
  /** LUNs of the requested disks, −1 for the OS disk; other disks may be absent from the set. Missing: every disk. */
  readonly includedLuns?: readonly number[] | undefined;
  /** The time of the first FIFREEZE; undefined: as soon as everything is ready. */
  readonly startAt: Date | undefined;
  /** Metadata of every snapshot. */
  readonly metadata: readonly (readonly [key: string, value: string])[];
  /** The first part of `x-ms-client-request-id`. */
  readonly taskId: string;
  /** What to quiesce before the freeze, from `readQuiesceConfiguration`; missing: nothing. */
  readonly quiesce?: QuiescePlan | undefined;
  /** Work of the caller that must end before anything is frozen; must not reject. */
  readonly beforeFreeze?: Promise<void> | undefined;
  /** Missing: no manifest is written. */
  readonly manifest?: ManifestWish | undefined;
  /** File with the URL of the container for the manifest, if `manifest` names none. */
  readonly manifestContainerFile?: string | undefined;
  /** Number of lanes; undefined: the measured default. */
  readonly lanes: number | undefined;
}

/** The manifest that is written beside the snapshots of a run. */
export interface ManifestWish {
  readonly origin: 'snapshot' | 'extension';
  /**
   * URL of its container with a SAS, secret; undefined: that of the configured file, or else the container of the first blob if
   * the blob's own SAS permits it.
   */
  readonly container: string | undefined;
  /** Another run follows if this one cannot freeze, and writes it then; missing: none follows. */
  readonly isLeftToFallback?: boolean;
}

/** The guest takes snapshots of the VM's managed disks, with the VM's own identity. */
export interface ManagedRequest {
  readonly kind: 'managed';
  readonly wishes: ManagedWishes;
  /** Receives every token, so that no text shows it, and its end. */
  readonly learnSecret: (secret: string, expires: Date) => void;
}

/**
 * What takes the snapshots: the guest with a request for each blob or managed disk, the host with one call for all, or any
 * command that runs while everything is frozen.
 */
export type RequestedProvider =
  | { readonly kind: 'guest' }
  | ManagedRequest
  | {
      readonly kind: 'host';
      /** The run leaves it open; the caller closes it. */
      readonly client: HostClient;
      readonly call: HostCall;
    }
  | {
      readonly kind: 'command';
      /** Already started and waiting; the caller waits for its end and disposes of it. */
      readonly command: HeldCommand;
      /** The name of the command in messages. */
      readonly name: string;
    };

export type ProviderKind = RequestedProvider['kind'];

/**
 * `refuse`: the run ends before anything is frozen; `accept`: the snapshot of the blob is taken in addition to the set;
 * `doubt`: its snapshot is taken, and the set is not reported as consistent.
 */
export type ForeignBlobs = 'refuse' | 'accept' | 'doubt';

/**
 * Observes the progress of a run. The window is silent: between `phaseBegins('window')` and `phaseEnds('window')` the
 * run calls nothing here, because an observer may write.
 */
export interface RunObserver {
  phaseBegins(phase: PhaseName): void;
  phaseEnds(phase: PhaseName, durationMs: number): void;
  /** The run holds no application, lock or file system any more; called also if it failed, and maybe repeatedly. */
  released?(): void;
  warn(message: string): void;
  /** Output of scripts and databases, for the log only; lines of text, not yet redacted. */
  note?(message: string): void;
}

/** The request that follows from the machine's configuration alone. Pure. */
export function configuredRequest(
  configuration: VmBackupConfiguration,
): Omit<BackupRequest, 'taskId'> {
  return {
    blobs: [],
    selection: { include: [], skip: configuration.mountsToSkip },
    timeoutMs: configuration.timeoutMs,
    waveLimitMs: configuration.waveLimitMs,
    flushLimitMs: configuration.flushLimitMs,
    patienceMs: configuration.patienceMs,
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
    manifestContainerFile: configuration.manifestContainerFile,
    lanes: configuration.lanes,
  };
}
