import * as v from 'valibot';
import type { BackupRecord } from '../backup/record.ts';
import { FlashfreezeError } from '../errors.ts';
import { RESULTS } from '../result-codes.ts';
import { runSummarySchema } from './schemas/run-summary.ts';
import { timelineSchema } from './schemas/timeline.ts';
import { type RunSummary, summarize } from './summary.ts';
import { timelineOf } from './timeline.ts';

export const RUN_FORMAT = 'flashfreeze-run/1';

/** What a run leaves in the log folder, for `flashfreeze report`: stable, without secrets. */
export const runFileSchema = v.strictObject({
  format: v.literal(RUN_FORMAT),
  /** Which command it was. */
  origin: v.picklist(['snapshot', 'freeze', 'extension']),
  /** ISO-8601 UTC. */
  writtenAt: v.string(),
  taskId: v.string(),
  machine: v.strictObject({
    flashfreeze: v.string(),
    kernel: v.string(),
    processors: v.number(),
  }),
  /** A run that ended before anything was frozen; then there is nothing else. */
  error: v.nullable(v.strictObject({ code: v.string(), message: v.string() })),
  summary: v.nullable(runSummarySchema),
  timeline: v.nullable(timelineSchema),
});

export type RunFile = v.InferOutput<typeof runFileSchema>;
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
    format: RUN_FORMAT,
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
        summary: plainCopy(summaryOf(origin, ending.record)),
        timeline: plainCopy(timelineOf(ending.record, now)),
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

/** The schema's types are mutable, the report's own are not. */
function plainCopy<T>(value: T): Mutable<T> {
  return structuredClone(value) as Mutable<T>;
}

type Mutable<T> = { -readonly [Key in keyof T]: Mutable<T[Key]> };

export function describeError(error: unknown): RunError {
  return error instanceof FlashfreezeError
    ? { code: error.code, message: error.message }
    : { code: 'FF_INTERNAL', message: error instanceof Error ? error.message : String(error) };
}

/**
 * @param path only named in messages
 * @throws FlashfreezeError FF_RUN_FILE_INVALID
 */
export function parseRunFile(text: string, path: string): RunFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw invalid(path, 'it is not JSON');
  }
  const parsed = v.safeParse(runFileSchema, content);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw invalid(path, `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`);
  }
  return parsed.output;
}

function invalid(path: string, reason: string): FlashfreezeError {
  return new FlashfreezeError(
    'FF_RUN_FILE_INVALID',
    `${path}: expected a file that a run has left (${RUN_FORMAT}), as in the folder of \`flashfreeze report --list\`; ${reason}.`,
  );
}
