import { join } from 'node:path';
import { cleanUpAfterDeadRuns } from '../../backup/journal/recover.ts';
import { LogObserver } from '../../backup/log-observer.ts';
import type { BackupRequest } from '../../backup/request.ts';
import { configuredRequest } from '../../backup/request.ts';
import type { VmBackupConfiguration } from '../../config/vmbackup.ts';
import { FlashfreezeError } from '../../errors.ts';
import { measureUsedSpace } from '../../filesystems/used-size.ts';
import {
  QUIESCE_PATHS,
  readQuiesceConfiguration,
  secretsOf,
} from '../../quiesce/read-configuration.ts';
import { tellMetrics } from '../../report/metrics.ts';
import type { RunEnding } from '../../report/run-file.ts';
import { keepRun } from '../../report/run-folder.ts';
import { RESULTS } from '../../result-codes.ts';
import type { Installation } from '../installation.ts';
import type { TaskSettings } from '../model.ts';
import { runExclusively } from '../process-lock.ts';
import { takeSnapshots } from '../snapshot-method/take-snapshots.ts';
import { finishTask } from '../task-history.ts';
import { forgetWorker, type Work } from '../task-process.ts';
import { readMachineFacts } from '../telemetry/machine-facts.ts';
import { announce, publish } from './publish.ts';
import { type ReadTask, readTask, requireInTime } from './read-task.ts';
import { interrupted } from './report-unfinished.ts';
import { openTaskContext, type TaskContext } from './task-context.ts';
import { finalReport, inProgressReport, type MachineReading } from './task-report.ts';
import { type Conclusion, concludeError, concludeTaken } from './task-result.ts';

/** Longest a task waits for the one before it. */
const EARLIER_TASK_LIMIT_MS = 10 * 60_000;

/** What the worker has been told. */
export interface TaskOrder {
  readonly sequenceNumber: number;
  /** Text of the settings file. */
  readonly settings: string;
  /** `report`: the task was interrupted; only that is reported, and what it left is looked after. */
  readonly work: Work;
}

/**
 * Runs the task of a settings file and reports what it came to: whatever goes wrong is reported.
 *
 * @param abort its reason is an `AbortReason`; ends the run at once, thawing what is frozen
 * @param found sentences about runs that died
 * @throws FlashfreezeError FF_ENVIRONMENT_INVALID where the extension's directory was deleted meanwhile
 */
export async function runTask(
  installation: Installation,
  { sequenceNumber, settings, work }: TaskOrder,
  abort: AbortSignal,
  found: readonly string[],
): Promise<void> {
  if (installation.handlerProblem !== undefined) {
    throw installation.handlerProblem;
  }
  const desk = await openTaskContext(installation, sequenceNumber);
  for (const sentence of found) {
    desk.log.warning(sentence);
  }
  const read = await readTask(desk, settings);
  desk.log.info(
    `task ${read.report.taskId}, sequence number ${sequenceNumber}, version ${installation.version}`,
  );
  try {
    // Held until everything is reported: who waits for the lock waits for that.
    using _alone = await runExclusively(
      installation.directory,
      EARLIER_TASK_LIMIT_MS,
      (sentence) => desk.log.warning(sentence),
      abort,
    );
    await runAndReport(desk, read, work, abort);
    await finish(desk);
  } catch (error) {
    await report(desk, read, failed(desk, read, error), abort);
    await finish(desk);
  }
  await forgetWorker(installation.directory);
}

/** Noted before the lock is let go: who gets it next would report the task once more. */
async function finish({ installation, sequenceNumber }: TaskContext): Promise<void> {
  await finishTask(installation.directory, sequenceNumber).catch(() => {});
}

async function runAndReport(
  desk: TaskContext,
  read: ReadTask,
  work: Work,
  abort: AbortSignal,
): Promise<void> {
  const announced =
    work === 'run'
      ? announce(desk, read.report, inProgressReport(desk, read.report))
      : Promise.resolve();
  const conclusion = await conclude(desk, read, work, announced, abort).catch((error: unknown) =>
    failed(desk, read, error),
  );
  await announced;
  await report(desk, read, conclusion, abort);
}

function failed(desk: TaskContext, { settings }: ReadTask, error: unknown): Conclusion {
  desk.log.error(detailsOf(error));
  return concludeError(error, settings.ok ? settings.task.blobs : []);
}

async function report(
  desk: TaskContext,
  read: ReadTask,
  conclusion: Conclusion,
  abort: AbortSignal,
): Promise<void> {
  // A run that ended with an error may have left it held.
  desk.log.release();
  const luns = read.settings.ok ? read.settings.task.includedDisks.luns : undefined;
  const machine = await readMachine(desk, luns);
  await publish(
    desk,
    read.report,
    finalReport(desk, read.report, luns, conclusion, machine),
    abort,
  );
  await keepTimeline(desk, read.report.taskId, conclusion);
}

/** In `runs` beside the log; last of all, because nobody waits for it. The metrics are told also where it cannot be kept. */
export async function keepTimeline(
  { installation, redaction, log, configuration }: TaskContext,
  taskId: string,
  { record, code, message }: Conclusion,
): Promise<void> {
  const ending: RunEnding =
    record === undefined
      ? { kind: 'refused', error: { code: RESULTS[code].name, message } }
      : { kind: 'ran', record };
  const folder = join(installation.handler.logFolder, 'runs');
  const kept = await keepRun(ending, { origin: 'extension', taskId }, redaction, folder);
  if (!kept.ok) {
    log.warning(kept.message);
  }
  const problem = await tellMetrics(kept.run, configuration.metricsFile);
  if (problem !== undefined) {
    log.warning(problem);
  }
}

async function conclude(
  desk: TaskContext,
  { settings }: ReadTask,
  work: Work,
  announced: Promise<void>,
  abort: AbortSignal,
): Promise<Conclusion> {
  await cleanUpAfterDeadRuns((sentence) => desk.log.warning(sentence));
  if (work === 'report') {
    throw interrupted();
  }
  if (!settings.ok) {
    throw settings.error;
  }
  const { task } = settings;
  for (const warning of task.warnings) {
    desk.log.warning(warning);
  }
  if (task.command === 'install') {
    return INSTALLED;
  }
  const quiesce = readQuiesceConfiguration(QUIESCE_PATHS, desk.configuration);
  for (const secret of secretsOf(quiesce)) {
    desk.redaction.add(secret);
  }
  const taken = await takeSnapshots({
    settings: task,
    configured: desk.configuration.snapshotMethod,
    wireProtocolAddress: desk.installation.agent.wireProtocolAddress,
    request: { ...requestOf(task, desk.configuration, announced), quiesce },
    observer: new LogObserver(desk.log),
    abort,
    note: (message) => desk.log.info(message),
    hide: (secret) => desk.redaction.add(secret),
    requireInTime: (now) => requireInTime(task, now),
  });
  if (!taken.result.ok) {
    desk.log.error(detailsOf(taken.result.error));
  }
  return concludeTaken(taken, task.blobs);
}

const INSTALLED: Conclusion = {
  code: 1,
  message: 'The extension is installed; there was nothing else to do.',
  consistency: 'none',
  snapshots: [],
  record: undefined,
  creator: undefined,
};

function requestOf(
  task: TaskSettings,
  configuration: VmBackupConfiguration,
  announced: Promise<void>,
): BackupRequest {
  return {
    ...configuredRequest(configuration),
    blobs: task.blobs,
    startAt: task.start?.at,
    metadata: task.metadata,
    taskId: task.taskId,
    beforeFreeze: announced,
    // The service chooses the disks: one that it leaves out is no fault, and what it names is taken.
    isPartial: true,
    foreignBlobs: 'doubt',
  };
}

/** For the report. @param luns of the disks that are snapshotted; undefined: all */
export async function readMachine(
  desk: TaskContext,
  luns: readonly number[] | undefined,
): Promise<MachineReading> {
  const [facts, usedSpace] = await Promise.all([
    readMachineFacts(desk.installation.libDirectory),
    measureUsedSpace(luns).catch((error: unknown) => {
      desk.log.warning(`the used space could not be computed: ${String(error)}`);
      return undefined;
    }),
  ]);
  return { facts, usedSpace };
}

/** For the log, which takes out secrets. */
export function detailsOf(error: unknown): string {
  if (error instanceof FlashfreezeError) {
    return `${error.message} (${error.code})`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
