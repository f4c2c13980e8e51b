import { cleanUpAfterDeadRuns } from '../backup/journal/recover.ts';
import type { VmBackupConfiguration } from '../config/vmbackup.ts';
import type { HeldLog } from '../log/held-log.ts';
import type { Redaction } from '../log/redaction.ts';
import { sendRecord } from '../log/systemd-journal.ts';
import type { QuiescePlan } from '../quiesce/quiesce-types.ts';
import {
  type QuiescePaths,
  readQuiesceConfiguration,
  secretsOf,
} from '../quiesce/read-configuration.ts';
import { secretsInParameters } from '../quiesce/scripts/secret-parameters.ts';
import { journalRecordOf } from '../report/journal-record.ts';
import { tellMetrics } from '../report/metrics-file.ts';
import type { RunEnding, RunFile, RunIdentity } from '../report/run-file.ts';
import { describeRun, keepRun } from '../report/run-folder.ts';
import { reasonOf } from '../system/errno.ts';

/** The log of a run, the redaction of everything that leaves the process, and the configuration of the machine. */
export interface PipelineContext {
  readonly log: HeldLog;
  readonly redaction: Redaction;
  readonly configuration: VmBackupConfiguration;
}

/** The result of a run in the form in which it is kept. */
export interface RunToKeep {
  readonly ending: RunEnding;
  readonly identity: Omit<RunIdentity, 'machine'>;
  /** The folder for the timeline; undefined: only the metrics are written. */
  readonly folder: string | undefined;
}

/** The steps that differ by the origin of a run: a command, a task of the backup service, an order of the host. */
export interface PipelineSteps<Result> {
  /** Files that name the applications to quiesce; undefined: the run quiesces none. */
  readonly applications: QuiescePaths | undefined;
  /**
   * Takes the snapshots. If it throws, the run ended before anything was frozen.
   *
   * @param readQuiesce reads which applications to quiesce, and hides their passwords; to be called once it is clear
   * that there is a snapshot to take
   */
  take(readQuiesce: () => QuiescePlan | undefined): Promise<Result>;
  /** The result of a run in which `take` threw this error. */
  refused(error: unknown): Result;
  /** Reports the result to the caller of the run. */
  tell(result: Result): Promise<void>;
  /** Undefined if there was no run: nothing is kept, and no figure of the last run changes. */
  toKeep(result: Result): RunToKeep | undefined;
}

/** The result of a run, and what was kept of it. */
export interface PipelineEnd<Result> {
  readonly result: Result;
  /** Undefined if there was no run. */
  readonly kept: KeptRecord | undefined;
}

/**
 * The steps of every run, whatever its origin: run the clean-up that dead runs left pending, read which applications
 * to quiesce and hide their passwords, take the snapshots, report the result, keep timeline and metrics. What dead runs
 * left frozen has been thawed before: by the first step of a command, or when the task or order got its turn.
 *
 * A write to a disk blocks as long as another tool keeps that disk frozen. So the log is held until the run has released
 * everything (`LogObserver`), and the timeline is kept even later, once the result is reported.
 */
export async function runPipeline<Result>(
  context: PipelineContext,
  steps: PipelineSteps<Result>,
): Promise<PipelineEnd<Result>> {
  const run = async (): Promise<Result> => {
    await cleanUpAfterDeadRuns((sentence) => context.log.warning(sentence));
    return await steps.take(() => readApplications(context, steps.applications));
  };
  return await endPipeline(
    context,
    steps,
    await run().catch((error: unknown) => steps.refused(error)),
  );
}

/** The end of a pipeline, also for a run that must not begin: reports the result, then keeps it. */
export async function endPipeline<Result>(
  context: PipelineContext,
  steps: Pick<PipelineSteps<Result>, 'tell' | 'toKeep'>,
  result: Result,
): Promise<PipelineEnd<Result>> {
  await steps.tell(result);
  const run = steps.toKeep(result);
  return { result, kept: run && (await keepRecord(context, run)) };
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

/** The record of a run, without secrets, and its file. */
export interface KeptRecord {
  readonly run: RunFile;
  /** The path of the timeline; undefined if it is not kept. */
  readonly path: string | undefined;
}

/**
 * Keeps the timeline, writes the metrics and the record in the systemd journal, and runs the command that is to hear of
 * the run, each also if another one fails: that is a warning. Never rejects.
 */
export async function keepRecord(
  context: PipelineContext,
  { ending, identity, folder }: RunToKeep,
): Promise<KeptRecord> {
  const { log, redaction, configuration } = context;
  const kept =
    folder === undefined
      ? { ok: true as const, path: undefined, run: describeRun(ending, identity, redaction) }
      : await keepRun(ending, identity, redaction, folder);
  if (!kept.ok) {
    log.warning(kept.message);
  }
  const record = { run: kept.run, path: kept.ok ? kept.path : undefined };
  const problem = await tellMetrics(kept.run, configuration.metricsFile);
  if (problem !== undefined) {
    log.warning(problem);
  }
  const untold = sendRecord(journalRecordOf(record.run, record.path));
  if (untold !== undefined) {
    log.warning(untold);
  }
  await runNotifyCommand(context, record);
  return record;
}

async function runNotifyCommand(
  { log, redaction, configuration }: PipelineContext,
  { run, path }: KeptRecord,
): Promise<void> {
  if (configuration.notify === undefined) {
    return;
  }
  // Loaded here: most runs have no such command.
  const library = await import('../notify/notify.ts').catch(reasonOf);
  if (typeof library === 'string') {
    log.warning(`the command that hears of every run cannot be started: ${library}`);
    return;
  }
  const json = `${JSON.stringify(run)}\n`;
  for (const secret of secretsInParameters(configuration.notify.slice(1))) {
    redaction.add(secret);
  }
  const { problem, output } = await library.notify(configuration.notify, { run, json, path });
  output.forEach((sentence) => {
    log.info(sentence);
  });
  if (problem !== undefined) {
    log.warning(problem);
  }
}
