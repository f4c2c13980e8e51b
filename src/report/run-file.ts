import type { BackupRecord } from '../backup/record.ts';
import { FlashfreezeError } from '../errors.ts';
import { RESULTS } from '../result-codes.ts';
import type { OutputOf } from './schemas/described.ts';
import type { runFileSchema } from './schemas/run-file.ts';
import { type RunSummary, summarize } from './summary.ts';
import { timelineOf } from './timeline.ts';

/** What a run leaves in the log folder, for `flashfreeze report`. */
export type RunFile = OutputOf<typeof runFileSchema>;
export type RunOrigin = RunFile['origin'];

/** What a run came to: its record, or the error that ended it before anything was frozen. */
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
}

/** @param now CLOCK_MONOTONIC and wall clock at the same moment */
export function runFileOf(
  ending: RunEnding,
  { origin, taskId, machine }: RunIdentity,
  now: { readonly monotonicNs: bigint; readonly wallClock: Date },
): RunFile {
  const common = {
    format: 'flashfreeze-run/1',
    origin,
    writtenAt: now.wallClock.toISOString(),
    taskId,
    machine,
  } as const;
  return ending.kind === 'refused'
    ? { ...common, error: { ...ending.error }, summary: null, timeline: null }
    : {
        ...common,
        error: null,
        summary: summaryOf(origin, ending.record),
        timeline: timelineOf(ending.record, now),
      };
}

/** A command that failed is no failure of the network, which the code of a request's failure speaks of. */
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
