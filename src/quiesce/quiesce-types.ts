import type { ScriptCommand, ScriptPlugin } from '../config/script-plugin.ts';
import type { Workload } from '../config/workload.ts';
import type { Balance } from '../filesystems/btrfs/balance.ts';
import type { FileSystem } from '../filesystems/plan-types.ts';
import type { ResultCode } from '../result-codes.ts';

/** Something that went wrong with an application, with the code it gives. */
export interface Finding {
  readonly code: ResultCode;
  /** For people; no secrets. */
  readonly message: string;
  /** The backup continues, file-system consistent, with the code as a warning. */
  readonly tolerated: boolean;
}

/** What the machine's configuration says about its applications. Holds secrets. */
export type QuiescePlan = ScriptsPlan | DatabasePlan | RefusedPlan;

/** Pre-scripts before the freeze, post-scripts after the thaw. */
export interface ScriptsPlan {
  readonly kind: 'scripts';
  readonly plugins: readonly PlannedPlugin[];
  /** Longest that all pre-scripts, or all post-scripts, may take together. */
  readonly hostTimeoutMs: number;
  /** `fsFreezeEnabled` of every plugin. */
  readonly freezeFileSystems: boolean;
  /** Plugins that cannot be used; their scripts are not run. */
  readonly findings: readonly Finding[];
  readonly warnings: readonly string[];
}

export interface PlannedPlugin extends ScriptPlugin {
  readonly configPath: string;
}

/** A session with a database, held from before the freeze to after the thaw. */
export interface DatabasePlan extends ApplicationRules {
  readonly kind: 'database';
  readonly workload: Workload;
  readonly warnings: readonly string[];
}

/** A configuration that cannot be used at all. */
export interface RefusedPlan {
  readonly kind: 'refused';
  readonly findings: readonly Finding[];
  readonly warnings: readonly string[];
}

/** vmbackup.conf, `OnAppFailureDoFsFreeze` and `OnAppSuccessDoFsFreeze`: of databases. */
export interface ApplicationRules {
  readonly freezeAfterAppFailure: boolean;
  readonly freezeAfterAppSuccess: boolean;
}

/** What became of the application in a run. No secrets. */
export interface ApplicationRecord {
  /** `scripts`, or the name of the workload; for people. */
  readonly name: string;
  readonly findings: readonly Finding[];
  /**
   * CLOCK_MONOTONIC; while the application was held: from the first lock or pre-script on, to the end of
   * the last unlock or post-script. Undefined if nothing was held.
   */
  readonly held: { readonly fromNs: bigint; readonly toNs: bigint } | undefined;
}

/** What follows a quiesced application. */
export type Course = 'freeze' | 'no-freeze' | 'stop';

/** An application on its way through a run. */
export interface QuiescedApplication {
  readonly course: Course;
  /** What led to `stop`; also known to `record`. */
  readonly findings: readonly Finding[];
  /**
   * Lets the application go; once, further calls change nothing. Never rejects, and comes back within
   * the application's time-out and what a fresh session takes (10 s), whatever hangs. Only when nothing is frozen any more,
   * or if the kernel does not finish a thaw.
   *
   * @param isThawed default: true. If false, what fails is left to the next command, which first thaws
   */
  resume(isThawed?: boolean): Promise<void>;
  /** What is to be told; complete after `resume`. */
  record(): ApplicationRecord;
}

/**
 * What has to be done because something was begun, also after a crash. Plain data without secrets, as a
 * journal keeps it.
 */
export type PendingCleanup =
  | PendingScript
  | PendingScriptAsBefore
  | PendingStatements
  | PendingBalance;

/** A btrfs balance that a run has paused. */
export interface PendingBalance extends Balance {
  readonly kind: 'balance';
}

/** A post-script whose pre-script was begun. */
export interface PendingScript {
  readonly kind: 'post-script';
  readonly path: string;
  /** The file that has its parameters, which may be secret; missing if there are none. */
  readonly configPath?: string;
  readonly retries: number;
  /** Path of the pre-script, which may still run if the run died. */
  readonly preScript: string;
  readonly timeoutMs: number;
}

/** A post-script in a note of an older version, with its parameters. */
export interface PendingScriptAsBefore {
  readonly kind: 'script';
  readonly command: ScriptCommand;
  /** Missing in notes of the oldest versions. */
  readonly preScript?: string;
  readonly timeoutMs: number;
}

/** What a database does not undo by itself when the session ends. */
export interface PendingStatements {
  readonly kind: 'statements';
  readonly workloadPath: string;
  /** SID and ORACLE_HOME; missing if the database has no instances. */
  readonly instance?: { readonly sid: string; readonly home: string };
  readonly statements: readonly string[];
  /**
   * No answer to what they undo is known, so the server may still carry it out. If they find nothing to undo, the next
   * command therefore runs them once more.
   */
  readonly mayBeginLater?: true;
}

/** What quiescing needs of the run it belongs to. */
export interface QuiesceCircumstances {
  /** The file systems of the plan. */
  readonly fileSystems: readonly FileSystem[];
  /** Whether they will be frozen if all goes well. */
  readonly freezes: boolean;
  /** Whether every disk under a file system is one of those that are snapshotted. */
  readonly isSnapshotted: (fileSystem: FileSystem) => boolean;
  readonly abort: AbortSignal;
  /** Hears what scripts print and databases say, for the log; not yet redacted. */
  readonly note: (message: string) => void;
  /**
   * Notes clean-up in a file that outlives a crash, before anything is begun that needs it. Resolves to a function to be
   * called when the clean-up has been done.
   */
  readonly addPending: (pending: readonly PendingCleanup[]) => Promise<MarkDone>;
}

/** Removes the note of pending clean-up, except for what is `left`: the next command that starts does that. */
export type MarkDone = (left?: readonly PendingCleanup[]) => Promise<void>;

/** What became of one pending clean-up. */
export interface CleanupResult {
  /** For people. */
  readonly sentence: string;
  /** The part that is still pending; undefined if all was done. */
  readonly left: PendingCleanup | undefined;
}
