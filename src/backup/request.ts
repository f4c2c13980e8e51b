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
import type { PhaseName } from './record.ts';

/** One run as it was asked for. Holds secrets (`blobs`, `provider`). */
export interface BackupRequest {
  /** None if the host or a command takes the snapshots. */
  readonly blobs: readonly Blob[];
  /** What makes the snapshots; missing: the guest. */
  readonly provider?: RequestedProvider;
  /** The VM has Azure Disk Encryption: what unlocks a disk goes into its snapshot's metadata. */
  readonly encrypted?: boolean;
  readonly selection: Selection;
  /** Longest the file systems may stand still, from the first FIFREEZE on. */
  readonly timeoutMs: number;
  /** Longest one wave may take to freeze before it is broken. */
  readonly waveLimitMs: number;
  /** Whether a broken freeze is tried once more, the stuck file systems first. */
  readonly retryStuckFreeze: boolean;
  /** What releases a freeze that no thaw releases. */
  readonly lastLever: LastLeverMode;
  /** What is done about long operations on a btrfs. */
  readonly btrfsMaintenance: BtrfsMaintenance;
  readonly fire: FireRule;
  /** One request after the other instead of all at once. */
  readonly sequential: boolean;
  /** Flush dirty data before the freeze. */
  readonly settle: boolean;
  /** False: nothing is frozen, the snapshots are crash consistent. */
  readonly freeze: boolean;
  /** A blob of another disk than was named, or a frozen disk without a blob, refuses the run before it begins. */
  readonly strictMatch: boolean;
  /** A frozen disk without a blob is no fault. */
  readonly isPartial: boolean;
  /** What becomes of a blob of none of this machine's disks. */
  readonly foreignBlobs: ForeignBlobs;
  /** LUNs of the disks that are wanted, −1 for the OS disk: others are not missed. Missing: every disk. */
  readonly includedLuns?: readonly number[] | undefined;
  /** When the first FIFREEZE is issued; undefined for as soon as everything is ready. */
  readonly startAt: Date | undefined;
  /** Metadata of every snapshot. */
  readonly metadata: readonly (readonly [key: string, value: string])[];
  /** First part of `x-ms-client-request-id`. */
  readonly taskId: string;
  /** What is quiesced before the freeze, from `readQuiesceConfiguration`; missing: nothing. */
  readonly quiesce?: QuiescePlan | undefined;
  /** What the caller has begun and must be over before anything is frozen; must not reject. */
  readonly beforeFreeze?: Promise<void> | undefined;
  /** Number of lanes; undefined for the measured default. */
  readonly lanes: number | undefined;
}

/**
 * What makes the snapshots: the guest with a request for each blob, the host with one call for all, or a
 * command that does whatever it likes while everything is frozen.
 */
export type RequestedProvider =
  | { readonly kind: 'guest' }
  | {
      readonly kind: 'host';
      /** Stays open; the caller closes it. */
      readonly client: HostClient;
      readonly call: HostCall;
    }
  | {
      readonly kind: 'command';
      /** Stands ready; the caller waits for its end and disposes of it. */
      readonly command: HeldCommand;
      /** What it is called in messages. */
      readonly name: string;
    };

export type ProviderKind = RequestedProvider['kind'];

/**
 * `refuse`: the run ends before anything is frozen; `accept`: it is snapshotted beside the set; `doubt`: it is
 * snapshotted, and the set is not called consistent.
 */
export type ForeignBlobs = 'refuse' | 'accept' | 'doubt';

/**
 * Hears of a run's progress. The window is silent: between `phaseBegins('window')` and
 * `phaseEnds('window')` nothing is called, because an observer may write.
 */
export interface RunObserver {
  phaseBegins(phase: PhaseName): void;
  phaseEnds(phase: PhaseName, durationMs: number): void;
  warn(message: string): void;
  /** What scripts and databases say, for the log alone; lines of text, not yet redacted. */
  note?(message: string): void;
}

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
