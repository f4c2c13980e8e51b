import { LogObserver } from '../backup/log-observer.ts';
import type { BackupRecord } from '../backup/record.ts';
import type { BackupRequest } from '../backup/request.ts';
import { backup } from '../backup/run.ts';
import { readVmBackupConfiguration, type VmBackupConfiguration } from '../config/vmbackup.ts';
import { HeldLog, stderrSink } from '../log/held-log.ts';
import { Redaction } from '../log/redaction.ts';
import type { QuiescePlan } from '../quiesce/model.ts';
import { secretsOf } from '../quiesce/read-configuration.ts';
import { tellMetrics } from '../report/metrics.ts';
import { describeError, type RunEnding, type RunFile, type RunOrigin } from '../report/run-file.ts';
import { describeRun, keepRun } from '../report/run-folder.ts';
import { timelineLines } from '../report/timeline-text.ts';
import { requireRoot } from './require-root.ts';
import { logLevelOf, quiescePlanOf, type RawRunOptions } from './run-options.ts';

/** What every run from the command line has. */
export interface CommandContext {
  readonly redaction: Redaction;
  readonly log: HeldLog;
  readonly configuration: VmBackupConfiguration;
  readonly quiesce: QuiescePlan | undefined;
  /** About the configuration file; to be told once it is clear that the run begins. */
  readonly warnings: readonly string[];
  readonly keepsTimeline: boolean;
}

/**
 * @param urls whose queries are secrets
 * @throws FlashfreezeError FF_USAGE, FF_CONFIG_INVALID
 */
export function openCommandContext(
  options: RawRunOptions,
  urls: readonly string[] = [],
): CommandContext {
  const redaction = new Redaction();
  for (const url of urls) {
    redaction.addUrl(url);
  }
  const log = new HeldLog({ sink: stderrSink, redaction, minimumLevel: logLevelOf(options) });
  const { configuration, warnings } = readVmBackupConfiguration();
  const quiesce = quiescePlanOf(options, configuration);
  for (const secret of secretsOf(quiesce)) {
    redaction.add(secret);
  }
  const keepsTimeline = options.timeline ?? true;
  return { redaction, log, configuration, quiesce, warnings, keepsTimeline };
}

/**
 * Runs a request and keeps its timeline. Throws what `backup` throws, and
 * FF_NOT_ROOT.
 *
 * @param print tells the result; called before anything is written to a disk, which may wait for ever where
 * somebody else has frozen it
 */
export async function carryOut(
  origin: RunOrigin,
  desk: CommandContext,
  request: BackupRequest,
  abort: AbortSignal,
  print: (record: BackupRecord) => void | Promise<void>,
): Promise<BackupRecord> {
  const { log, warnings } = desk;
  requireRoot();
  for (const warning of warnings) {
    log.warning(warning);
  }
  const tell = (ending: RunEnding): Promise<void> => tellRun(origin, desk, request, ending);
  try {
    const record = await backup(request, new LogObserver(log), abort);
    await print(record);
    await tell({ kind: 'ran', record });
    return record;
  } catch (error) {
    log.release();
    await tell({ kind: 'refused', error: describeError(error) });
    throw error;
  }
}

/** The metrics are told whether the timeline is kept or not. */
async function tellRun(
  origin: RunOrigin,
  desk: CommandContext,
  { taskId }: BackupRequest,
  ending: RunEnding,
): Promise<void> {
  const { log, configuration, keepsTimeline } = desk;
  const identity = { origin, taskId };
  const run = keepsTimeline
    ? await keepTimeline(desk, identity, ending)
    : describeRun(ending, identity);
  const problem = await tellMetrics(run, configuration.metricsFile);
  if (problem !== undefined) {
    log.warning(problem);
  }
}

async function keepTimeline(
  { log, redaction }: CommandContext,
  identity: { readonly origin: RunOrigin; readonly taskId: string },
  ending: RunEnding,
): Promise<RunFile> {
  const kept = await keepRun(ending, identity, redaction);
  if (!kept.ok) {
    log.warning(kept.message);
    return kept.run;
  }
  for (const line of kept.run.timeline === null ? [] : timelineLines(kept.run.timeline)) {
    log.verbose(line);
  }
  log.info(`what happened when: flashfreeze report ${kept.path}`);
  return kept.run;
}
