import { recover } from '../backup/journal/recover.ts';
import type { VmBackupConfiguration } from '../config/vmbackup.ts';
import type { HeldLog } from '../log/held-log.ts';
import type { Redaction } from '../log/redaction.ts';
import type { QuiescePlan } from '../quiesce/quiesce-types.ts';
import {
  type QuiescePaths,
  readQuiesceConfiguration,
  secretsOf,
} from '../quiesce/read-configuration.ts';
import { tellMetrics } from '../report/metrics.ts';
import type { RunEnding, RunFile, RunOrigin } from '../report/run-file.ts';
import { describeRun, keepRun } from '../report/run-folder.ts';

/** Where a run is logged, what is hidden in all that leaves the process, and how the machine is configured. */
export interface PipelineContext {
  readonly log: HeldLog;
  readonly redaction: Redaction;
  readonly configuration: VmBackupConfiguration;
}

/** What a run came to, as it is kept. */
export interface RunToKeep {
  readonly ending: RunEnding;
  readonly identity: { readonly origin: RunOrigin; readonly taskId: string };
  /** Where the timeline is kept; undefined: only the metrics are written. */
  readonly folder: string | undefined;
}

/** What differs between the ways to a run: a command, a task of the backup service, an order of the host. */
export interface PipelineSteps<Result> {
  /** Files that name the applications to quiesce; undefined: none is quiesced. */
  readonly applications: QuiescePaths | undefined;
  /** Takes the snapshots. If it throws, the run ended before anything was frozen. */
  take(quiesce: QuiescePlan | undefined): Promise<Result>;
  /** The result of a run that ended with an error of `take`. */
  refused(error: unknown): Result;
  /** Tells the result to the caller of the run. */
  tell(result: Result): Promise<void>;
  toKeep(result: Result): RunToKeep;
}

/**
 * The way of every run, whatever asked for it: thaw what a dead run left and run its pending clean-up, read which
 * applications are quiesced and hide their passwords, take the snapshots, tell the result, keep timeline and metrics.
 *
 * The result is told before anything is kept: keeping writes to a disk, which waits for ever if another tool has frozen it.
 */
export async function runPipeline<Result>(
  context: PipelineContext,
  steps: PipelineSteps<Result>,
): Promise<{ readonly result: Result; readonly kept: KeptRecord }> {
  const { log } = context;
  await recover((sentence) => log.warning(sentence));
  const quiesce = readApplications(context, steps.applications);
  const result = await steps.take(quiesce).catch((error: unknown) => steps.refused(error));
  // A run that ended with an error may have left it held.
  log.release();
  await steps.tell(result);
  return { result, kept: await keepRecord(context, steps.toKeep(result)) };
}

function readApplications(
  { redaction, configuration }: PipelineContext,
  paths: QuiescePaths | undefined,
): QuiescePlan | undefined {
  const quiesce = paths && readQuiesceConfiguration(paths, configuration);
  for (const secret of secretsOf(quiesce)) {
    redaction.add(secret);
  }
  return quiesce;
}

/** What was kept of a run. */
export interface KeptRecord {
  readonly run: RunFile;
  /** Of the timeline; undefined if it is not kept. */
  readonly path: string | undefined;
}

/** Keeps the timeline, and writes the metrics whether it could be kept or not. Never rejects. */
export async function keepRecord(
  { log, redaction, configuration }: PipelineContext,
  { ending, identity, folder }: RunToKeep,
): Promise<KeptRecord> {
  const kept =
    folder === undefined
      ? { ok: true as const, path: undefined, run: describeRun(ending, identity) }
      : await keepRun(ending, identity, redaction, folder);
  if (!kept.ok) {
    log.warning(kept.message);
  }
  const problem = await tellMetrics(kept.run, configuration.metricsFile);
  if (problem !== undefined) {
    log.warning(problem);
  }
  return { run: kept.run, path: kept.ok ? kept.path : undefined };
}
