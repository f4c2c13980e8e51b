import type { Plan } from '../filesystems/plan-types.ts';
import type { ApplicationRecord } from '../quiesce/quiesce-types.ts';
import type { SnapshotAnswer } from '../snapshot/snapshot-types.ts';
import type { AbortReason } from '../system/abort.ts';
import type { ScheduledStart } from './scheduled-start.ts';
import type { Behind } from './whole-set/behind.ts';
import type { SetGap } from './whole-set/gap.ts';

/** Everything a run leaves behind; the outcome, the report and the JSON are drawn from it. No secrets. */
export interface BackupRecord {
  readonly plan: Plan;
  readonly disks: readonly TargetRecord[];
  readonly fileSystems: readonly FileSystemTimes[];
  readonly phases: readonly PhaseTimes[];
  readonly end: RunEnd;
  /** Instant from which every file system was frozen; undefined where that was never reached. */
  readonly barrier: Barrier | undefined;
  /** Attempts that were broken because a file system did not freeze; only the last one counts. */
  readonly earlierAttempts: readonly EarlierAttempt[];
  /** What keeps the set from being whole, and what was left out of it as asked for. */
  readonly gaps: readonly SetGap[];
  /** Snapshots that were taken and are of no use. */
  readonly orphans: readonly Orphan[];
  /** File systems that were not seen thawed when the run ended; missing where all were. */
  readonly stillFrozen?: readonly number[];
  /** What the last attempt's freezes waited for, where they took too long. */
  readonly findings: readonly string[];
  readonly warnings: readonly string[];
  /** Missing where it was to begin at once. */
  readonly scheduled?: ScheduledStart | undefined;
  /** What became of the application; missing where none was to be quiesced. */
  readonly application?: ApplicationRecord | undefined;
}

export interface EarlierAttempt {
  readonly fileSystems: readonly FileSystemTimes[];
  readonly stuck: readonly number[];
}

/** A snapshot nobody asked for: its disk was fired, and then not everything could be frozen. */
export interface Orphan {
  /** Blob URL without its query. */
  readonly blob: string;
  readonly snapshot: string;
  /** Why it could not be deleted; undefined where it was. */
  readonly keptBecause: string | undefined;
}

export interface Barrier {
  /** CLOCK_MONOTONIC */
  readonly atNs: bigint;
  /** The same instant for people. */
  readonly wallClock: Date;
}

/** One snapshot that was asked for. */
export interface TargetRecord {
  /** Blob URL without its query. */
  readonly blob: string;
  /** Path of the disk behind it, undefined where none could be matched. */
  readonly device: string | undefined;
  readonly answer: SnapshotAnswer;
  /** Indexes of the file systems that its content depends on; none for a disk of raw data. */
  readonly fileSystems: readonly number[];
  readonly writes: WritesSeen;
  readonly behind: Behind;
}

/** What the write counters of a target's disks say of the time in which its snapshot was taken. */
export type WritesSeen =
  /** Nothing wrote to any of them in all that time, CLOCK_MONOTONIC. */
  | { readonly kind: 'unchanged'; readonly fromNs: bigint; readonly toNs: bigint }
  /** Something wrote to these, or was about to. */
  | { readonly kind: 'changed'; readonly disks: readonly string[] }
  /** They were not read when its answer was in: the run was being given up, or a disk is gone. */
  | { readonly kind: 'unread' }
  /** The kernel keeps none of some of them. */
  | { readonly kind: 'unknown' };

/** CLOCK_MONOTONIC stamps of one file system, taken next to the system calls. */
export interface FileSystemTimes {
  readonly freezeStartNs: bigint | undefined;
  /** FIFREEZE returned 0. */
  readonly frozenNs: bigint | undefined;
  readonly freezeErrno: string | undefined;
  readonly thawStartNs: bigint | undefined;
  readonly thawedNs: bigint | undefined;
  /** False where FITHAW found it not frozen: somebody else had thawed it. */
  readonly wasFrozen: boolean | undefined;
  readonly thawErrno: string | undefined;
  /** When its last syncfs before the freeze began; missing where there was none. */
  readonly settleStartNs?: bigint;
  /** How long that took. */
  readonly settleNs: bigint | undefined;
}

export interface PhaseTimes {
  readonly name: PhaseName;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

export type PhaseName =
  | 'prepare'
  | 'wait'
  | 'lock'
  | 'settle'
  | 'quiesce'
  | 'rewarm'
  | 'arm'
  | 'window'
  | 'resume'
  | 'release';

/** How the window ended. */
export type RunEnd =
  | { readonly kind: 'completed' }
  | { readonly kind: 'freeze-failed'; readonly fileSystem: number; readonly errno: string }
  /** `stuck`: the file systems whose FIFREEZE had not returned by then. */
  | { readonly kind: 'deadline'; readonly stuck: readonly number[] }
  | { readonly kind: 'thawed-by-others'; readonly fileSystem: number }
  | { readonly kind: 'guardian-lost' }
  /** The guardian thawed, because this process did not in time. */
  | { readonly kind: 'guardian-thawed'; readonly fileSystems: readonly number[] }
  | AbortReason;
