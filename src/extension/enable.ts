import { FlashfreezeError } from '../errors.ts';
import type { Installation } from './installation.ts';
import { readRoleGuid } from './machine-identity.ts';
import { isFull } from './memory-records.ts';
import { followPollingWish } from './polling/service.ts';
import { exclusively } from './process-lock.ts';
import type { ReportSettings } from './settings/report-settings.ts';
import {
  locateSettings,
  readSettingsText,
  rotate,
  scrubSettings,
} from './settings/settings-file.ts';
import { statusFileExists } from './status/status-file.ts';
import { replaceStatus } from './task/publish.ts';
import { NO_REPORT_SETTINGS, publicReportSettings } from './task/read-task.ts';
import { openTaskContext, type TaskContext } from './task/task-context.ts';
import { briefReport, inProgressReport } from './task/task-report.ts';
import { concludeError } from './task/task-result.ts';
import {
  beginTask,
  decideEnable,
  type EnableDecision,
  readHandled,
  recordHandled,
} from './task-history.ts';
import { hasWorkers, startWorker } from './task-process.ts';

/** Another enable of the same goal state takes well under a second. */
const ENABLE_LIMIT_MS = 30_000;

const REPEAT_MESSAGE = 'This task was handled before; no new snapshot was taken.';

/**
 * The agent's enable command: decides whether there is a new task, records it, writes a status, starts
 * the worker that runs it, and returns.
 *
 * @param found sentences about runs that died
 * @throws the error, if it could not be written to a status file
 */
export async function enable(installation: Installation, found: readonly string[]): Promise<void> {
  const { handler, handlerProblem } = installation;
  const { configFolder } = handler;
  const file = await locateSettings(configFolder, installation.agent.sequenceNumber);
  const sequenceNumber = file?.sequenceNumber ?? installation.agent.sequenceNumber ?? 0;
  const context = await openTaskContext(installation, sequenceNumber);
  for (const sentence of found) {
    context.log.warning(sentence);
  }
  try {
    if (handlerProblem !== undefined) {
      throw handlerProblem;
    }
    if (file === undefined) {
      throw new FlashfreezeError(
        'FF_SETTINGS_MISSING',
        `there is no settings file in ${configFolder} for sequence number ${sequenceNumber}; the agent writes it before it runs enable.`,
      );
    }
    await handle(context, file.path);
  } catch (error) {
    await reportFailure(context, error);
  }
}

const WORK_OF = { new: 'run', interrupted: 'report' } as const;

/** Decides and records under a lock, so that only one of two concurrent enables starts a worker. */
async function handle(context: TaskContext, path: string): Promise<void> {
  const { installation, sequenceNumber } = context;
  const { directory, libDirectory } = installation;
  using _alone = await exclusively(directory, 'enable', ENABLE_LIMIT_MS);
  const text = await readSettingsText(path);
  const settings = publicReportSettings(text);
  const roleGuid = await readRoleGuid(libDirectory);
  const last = await readHandled(directory, roleGuid);
  const isRunning = await hasWorkers(directory);
  const decision = decideEnable(sequenceNumber, settings.taskId, last, isRunning);
  context.log.info(
    `enable of sequence number ${sequenceNumber}, task ${settings.taskId}: ${decision}`,
  );
  if (decision === 'new' || decision === 'interrupted') {
    await beginTask(directory, sequenceNumber);
  }
  if (decision !== 'repeat') {
    // The process that runs the task reports it under the number that it began with.
    const begunAs = decision === 'same-task' ? (last.begunAs ?? last.sequenceNumber) : undefined;
    const { taskId } = settings;
    await recordHandled(
      directory,
      { sequenceNumber, taskId, ...(begunAs === undefined ? {} : { begunAs }) },
      roleGuid,
    );
  }
  await writeStatusIfPossible(context, decision, settings);
  await tidy(context, path);
  await followPollingWish(installation, text, (problem) => context.log.warning(problem));
  if (decision === 'new' || decision === 'interrupted') {
    // Last of all: from here on the file systems may be frozen.
    await startWorker(installation, sequenceNumber, text, WORK_OF[decision]);
  }
}

/**
 * Without a free block the service still reads the result in the status blob.
 *
 * @throws FlashfreezeError FF_STATUS_UNWRITABLE for another reason
 */
async function writeStatusIfPossible(
  context: TaskContext,
  decision: EnableDecision,
  settings: ReportSettings,
): Promise<void> {
  try {
    await writeStatus(context, decision, settings);
  } catch (error) {
    if (!(error instanceof FlashfreezeError) || !isFull(error.systemCall?.errno)) {
      throw error;
    }
    context.log.warning(error.message);
  }
}

/** @throws FlashfreezeError FF_STATUS_UNWRITABLE */
async function writeStatus(
  context: TaskContext,
  decision: EnableDecision,
  settings: ReportSettings,
): Promise<void> {
  const { statusFolder } = context.installation.handler;
  if (decision === 'new' || decision === 'interrupted') {
    await replaceStatus(context, inProgressReport(context, settings));
  } else if (
    decision === 'same-task' ||
    // The status of a repeated task stays; without a status file the agent would never see the task end.
    !(await statusFileExists(statusFolder, context.sequenceNumber))
  ) {
    await replaceStatus(context, briefReport(context, settings, 3, REPEAT_MESSAGE));
  }
}

/** Removes secrets from the settings file, and old files, so that the agent reports only the current sequence number. */
async function tidy(context: TaskContext, settingsPath: string): Promise<void> {
  const { configFolder, statusFolder } = context.installation.handler;
  const scrubbed = await scrubSettings(settingsPath);
  if (!scrubbed.ok) {
    context.log.warning(scrubbed.message);
  }
  for (const folder of new Set([configFolder, statusFolder])) {
    await warnOf(context, rotate(folder, context.sequenceNumber));
  }
}

/** @throws the error itself, if the status file cannot be written */
async function reportFailure(context: TaskContext, error: unknown): Promise<void> {
  const { code, message } = concludeError(error, []);
  context.log.error(error instanceof FlashfreezeError ? error.message : String(error));
  try {
    await replaceStatus(context, briefReport(context, NO_REPORT_SETTINGS, code, message));
  } catch {
    throw error;
  }
  const { configFolder, statusFolder } = context.installation.handler;
  // Settings stay as they are: without the current file it is unknown which are old.
  if (statusFolder !== configFolder) {
    await warnOf(context, rotate(statusFolder, context.sequenceNumber));
  }
}

async function warnOf(context: TaskContext, problems: Promise<readonly string[]>): Promise<void> {
  for (const problem of await problems) {
    context.log.warning(problem);
  }
}
