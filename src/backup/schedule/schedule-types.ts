/**
 * The input of the schedule: the file systems that a target's content depends on, and the answers that a file system
 * waits for. All numbers are indexes into `fileSystems` and `targets`.
 */
export interface ScheduleInput {
  readonly fileSystems: readonly ScheduledFileSystem[];
  readonly targets: readonly ScheduledTarget[];
  /** Every file system exactly once; a wave starts when the one before it is frozen as a whole. */
  readonly waves: readonly (readonly number[])[];
  /** Sends one request after the other instead of all at once (`seqsnapshot`). */
  readonly sequential: boolean;
}

export interface ScheduledFileSystem {
  /** Targets whose answers must be in before it may be thawed. */
  readonly awaits: readonly number[];
  /**
   * The file systems that its writes pass through, such as the one that holds its image. They must be thawed first:
   * FITHAW writes the superblock, and blocks while the file system under it is frozen (freeze-facts.md, Answers).
   */
  readonly thawsAfter: readonly number[];
}

export interface ScheduledTarget {
  /** File systems that must be frozen before its request may leave. */
  readonly needs: readonly number[];
}

/** `thawed` includes a thaw that ended with an error: there is nothing left to wait for. */
export type FileSystemState = 'idle' | 'freezing' | 'frozen' | 'refused' | 'thawing' | 'thawed';

/** `cancelled`: never fired, because the run was aborted before. */
export type TargetState = 'idle' | 'fired' | 'acknowledged' | 'failed' | 'cancelled';

export type SchedulePhase = 'idle' | 'freezing' | 'held' | 'aborting' | 'ended';

export interface ScheduleState {
  readonly input: ScheduleInput;
  readonly dependants: Dependants;
  /** The freeze takes long: targets that are ready no longer wait for the barrier. */
  readonly firesEarly: boolean;
  readonly phase: SchedulePhase;
  /** Index of the wave being frozen. */
  readonly wave: number;
  readonly fileSystems: readonly FileSystemState[];
  readonly targets: readonly TargetState[];
}

/** The inverted relations of the input, computed once: each event needs a look-up instead of a search. */
export interface Dependants {
  /** For each file system the targets that need it frozen. */
  readonly targetsOfFileSystem: readonly (readonly number[])[];
  /** For each target the file systems that await its answer. */
  readonly fileSystemsOfTarget: readonly (readonly number[])[];
  /** For each file system those that are thawed after it. */
  readonly fileSystemsAfter: readonly (readonly number[])[];
}

export type ScheduleEvent =
  | { readonly kind: 'start' }
  /** A file system takes long to freeze. */
  | { readonly kind: 'freeze-is-slow' }
  | { readonly kind: 'frozen'; readonly fileSystem: number }
  | { readonly kind: 'freeze-failed'; readonly fileSystem: number }
  | { readonly kind: 'thaw-ended'; readonly fileSystem: number }
  | { readonly kind: 'acknowledged'; readonly target: number }
  | { readonly kind: 'target-failed'; readonly target: number }
  /** Deadline, signal or lost guardian: everything is thawed now. */
  | { readonly kind: 'abort' };

export type ScheduleAction =
  | { readonly kind: 'freeze'; readonly fileSystems: readonly number[] }
  | { readonly kind: 'fire'; readonly targets: readonly number[] }
  /** Every file system is frozen: the instant that all snapshots show. */
  | { readonly kind: 'barrier' }
  | { readonly kind: 'thaw'; readonly fileSystems: readonly number[] }
  | { readonly kind: 'cancel-requests' }
  | { readonly kind: 'end' };

export interface Step {
  readonly state: ScheduleState;
  readonly actions: readonly ScheduleAction[];
}
