import type { BackupRecord } from '../backup/record.ts';
import { protectionOf } from '../backup/whole-set/protection.ts';
import { FlashfreezeError } from '../errors.ts';
import { RESULTS } from '../result-codes.ts';
import type { OutputOf } from './schemas/described.ts';
import type { runFileSchema } from './schemas/run-file.ts';
import { type RunSummary, summarize } from './summary.ts';
import { timelineOf } from './timeline.ts';

/** The file that a run leaves in the log folder, for `flashfreeze report`. */
export type RunFile = OutputOf<typeof runFileSchema>;
export type RunOrigin = RunFile['origin'];

/** The result of a run: its record, or the error that ended it before anything was frozen. */
export type RunEnding =
  | { readonly kind: 'ran'; readonly record: BackupRecord }
  | { readonly kind: 'refused'; readonly error: RunError };

export interface RunError {
  readonly code: string;
  readonly message: string;
}

export interface RunIdentity {
  readonly origin: RunOrigin;
  readonly taskId: string;
  readonly machine: RunFile['machine'];
  /** Undefined if the run used none. */
  readonly credential?: Credential | undefined;
}

/** The end of what snapshots are requested with; no secret. */
export type Credential = NonNullable<RunFile['credential']>;

/** @param now CLOCK_MONOTONIC and wall clock at the same moment */
export function runFileOf(
  ending: RunEnding,
  { origin, taskId, machine, credential }: RunIdentity,
  now: { readonly monotonicNs: bigint; readonly wallClock: Date },
): RunFile {
  const common = {
    format: 'flashfreeze-run/1',
    origin,
    writtenAt: now.wallClock.toISOString(),
    taskId,
    machine,
    credential: credential ?? null,
  } as const;
  return ending.kind === 'refused'
    ? { ...common, error: { ...ending.error }, summary: null, set: null, timeline: null }
    : {
        ...common,
        error: null,
        summary: summaryOf(origin, ending.record),
        set: setOf(ending.record),
        timeline: timelineOf(ending.record, now),
      };
}

function setOf(record: BackupRecord): RunFile['set'] {
  const protection = protectionOf(record);
  return protection === undefined
    ? null
    : { complete: protection.isComplete, unprotected: protection.unprotected };
}

/** The code of a failed request speaks of the network, which a failed command has nothing to do with. */
function summaryOf(origin: RunOrigin, record: BackupRecord): RunSummary {
  const summary = summarize(record);
  return origin === 'freeze' && NETWORK_CODES.includes(summary.code)
    ? { ...summary, code: 2, name: RESULTS[2].name }
    : summary;
}

const NETWORK_CODES: readonly number[] = [76, 761];

export function describeError(error: unknown): RunError {
  return error instanceof FlashfreezeError
    ? { code: error.code, message: error.message }
    : { code: 'FF_INTERNAL', message: error instanceof Error ? error.message : String(error) };
}

/** `success`: the set can be restored; `refused`: the run ended before anything was frozen. */
export function resultOf({ summary }: Pick<RunFile, 'summary'>): 'success' | 'failed' | 'refused' {
  if (summary === null) {
    return 'refused';
  }
  return summary.restorable ? 'success' : 'failed';
}
