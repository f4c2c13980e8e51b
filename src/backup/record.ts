import type { Plan } from '../filesystems/plan-types.ts';
import type { ApplicationRecord } from '../quiesce/quiesce-types.ts';
import type { SnapshotAnswer } from '../snapshot/snapshot-types.ts';
import type { AbortReason } from '../system/abort.ts';
import type { ClockState } from '../system/clock-state.ts';
import type { RoleTime } from '../system/thread-times.ts';
import type { ScheduledStart } from './scheduled-start.ts';
import type { Behind } from './whole-set/behind.ts';
import type { SetGap } from './whole-set/describe-gap.ts';

/** Everything that is known of a finished run; outcome, report and JSON are made from it. Contains no secrets. */
export interface BackupRecord {
  readonly plan: Plan;
  readonly disks: readonly TargetRecord[];
  readonly fileSystems: readonly FileSystemTimes[];
  readonly phases: readonly PhaseTimes[];
  /** Processor time and page faults of this process in the last window; missing if the kernel does not count them. */
  readonly threads?: readonly RoleTime[];
  readonly end: RunEnd;
  /** The instant from which every file system was frozen; undefined if it was never reached. */
  readonly barrier: Barrier | undefined;
  /** Freeze attempts that were broken off because a file system did not freeze; only the last attempt counts. */
  readonly earlierAttempts: readonly EarlierAttempt[];
  /** Why the set is not whole, and what was left out of it on request. */
  readonly gaps: readonly SetGap[];
  /** Useless snapshots that were taken. */
  readonly orphans: readonly Orphan[];
  /** File systems that were not known to be thawed when the run ended; missing if all were thawed. */
  readonly stillFrozen?: readonly number[];
  /** What the freezes of the last attempt waited for, if they took too long. */
  readonly findings: readonly string[];
  readonly warnings: readonly string[];
  /** Missing if the run was to start at once. */
  readonly scheduled?: ScheduledStart | undefined;
  /** Of the wall clock, whose time the barrier and the scheduled start are; missing if nothing says it. */
  readonly clock?: ClockState | undefined;
  /** The result of quiescing the application; missing if the run had none to quiesce. */
  readonly application?: ApplicationRecord | undefined;
}

export interface EarlierAttempt {
  readonly fileSystems: readonly FileSystemTimes[];
  readonly stuck: readonly number[];
}

/** A useless snapshot: its request was sent, and then not every file system could be frozen. */
export interface Orphan {
  /** Blob URL without its query. */
  readonly blob: string;
  readonly snapshot: string;
  /** Why it could not be deleted; undefined if it was deleted. */
  readonly keptBecause: string | undefined;
}

export interface Barrier {
  /** CLOCK_MONOTONIC */
  readonly atNs: bigint;
  /** The instant on the wall clock, for messages. */
  readonly wallClock: Date;
}

/** One requested snapshot. */
export interface TargetRecord {
  /** Blob URL without its query. */
  readonly blob: string;
  /** Path of the disk behind it; undefined if none could be matched. */
  readonly device: string | undefined;
  readonly answer: SnapshotAnswer;
  /** When its request had failed for good: refused, or given up. Missing: it succeeded, or was not sent. */
  readonly failedNs?: bigint;
  /** Indexes of the file systems that its content depends on; none for a disk of raw data. */
  readonly fileSystems: readonly number[];
  readonly writes: WritesSeen;
  readonly behind: Behind;
}

/** What the write counters of a target's disks show for the time in which its snapshot was taken. */
export type WritesSeen =
  /** Nothing wrote to any of them in this span of CLOCK_MONOTONIC. */
  | { readonly kind: 'unchanged'; readonly fromNs: bigint; readonly toNs: bigint }
  /** Something wrote to these disks, or was about to. */
  | { readonly kind: 'changed'; readonly disks: readonly string[] }
  /** The counters were not read after the answer: the run was being aborted, or a disk is gone. */
  | { readonly kind: 'unread' }
  /** The kernel has no write counters for some of the disks. */
  | { readonly kind: 'unknown' };

/** CLOCK_MONOTONIC stamps of one file system, taken next to the system calls. */
export interface FileSystemTimes {
  readonly freezeStartNs: bigint | undefined;
  /** FIFREEZE returned 0. */
  readonly frozenNs: bigint | undefined;
  readonly freezeErrno: string | undefined;
  /** FIFREEZE returned `freezeErrno`; missing: it did not. */
  readonly freezeFailedNs?: bigint;
  readonly thawStartNs: bigint | undefined;
  readonly thawedNs: bigint | undefined;
  /** False if FITHAW found it not frozen: another tool had thawed it. */
  readonly wasFrozen: boolean | undefined;
  readonly thawErrno: string | undefined;
  /** The start of its last syncfs before the freeze; missing if there was none. */
  readonly settleStartNs?: bigint;
  /** The duration of that syncfs. */
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
  /** `stuck`: the file systems whose FIFREEZE had not returned at the deadline. */
  | { readonly kind: 'deadline'; readonly stuck: readonly number[] }
  | { readonly kind: 'thawed-by-others'; readonly fileSystem: number }
  | { readonly kind: 'guardian-lost' }
  /** The guardian thawed, because this process did not do so in time. */
  | { readonly kind: 'guardian-thawed'; readonly fileSystems: readonly number[] }
  | AbortReason;
