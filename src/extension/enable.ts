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
import { publishRefusal, replaceStatus } from './task/publish.ts';
import { NO_REPORT_SETTINGS, publicReportSettings, readTask } from './task/read-task.ts';
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
  const attempt: Attempt = { settings: undefined, decision: undefined };
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
    await handle(context, file.path, attempt);
  } catch (error) {
    attempt.settings ??= file && (await readSettingsText(file.path).catch(() => undefined));
    await reportFailure(context, error, attempt);
  }
}

/** How far an enable has come, for the report of its failure. */
interface Attempt {
  /** Text of the settings file as the agent wrote it: `tidy` takes out where to report. */
  settings: string | undefined;
  decision: EnableDecision | undefined;
}

const WORK_OF = { new: 'run', interrupted: 'report' } as const;

/** Decides and records under a lock, so that only one of two concurrent enables starts a worker. */
async function handle(context: TaskContext, path: string, attempt: Attempt): Promise<void> {
  const { installation, sequenceNumber } = context;
  const { directory } = installation;
  using _alone = await exclusively(directory, 'enable', ENABLE_LIMIT_MS);
  const text = await readSettingsText(path);
  attempt.settings = text;
  const settings = publicReportSettings(text);
  const { decision, last, roleGuid } = await decide(context, settings.taskId);
  attempt.decision = decision;
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

/**
 * Reports in place of the process that runs the task, because none was started. If the task has a process, or has been
 * reported, its status blob is left alone, and its status file, too, if there is one: the result is not this failure.
 *
 * @throws the error itself, if the status file cannot be written
 */
async function reportFailure(
  context: TaskContext,
  error: unknown,
  { settings, decision }: Attempt,
): Promise<void> {
  const { code, message } = concludeError(error, []);
  const report =
    settings === undefined ? NO_REPORT_SETTINGS : (await readTask(context, settings)).report;
  context.log.error(error instanceof FlashfreezeError ? error.message : String(error));
  const made = decision ?? (await decisionIfAny(context, report.taskId));
  const { configFolder, statusFolder } = context.installation.handler;
  const refusal = briefReport(context, report, code, message);
  try {
    if (made === 'new' || made === 'interrupted') {
      await publishRefusal(context, report, refusal);
    } else if (!(await statusFileExists(statusFolder, context.sequenceNumber))) {
      await replaceStatus(context, refusal);
    }
  } catch {
    throw error;
  }
  // Settings stay as they are: without the current file it is unknown which are old.
  if (statusFolder !== configFolder) {
    await warnOf(context, rotate(statusFolder, context.sequenceNumber));
  }
}

/** What the enable would have decided; `new` if even that cannot be read. */
async function decisionIfAny(context: TaskContext, taskId: string): Promise<EnableDecision> {
  try {
    return (await decide(context, taskId)).decision;
  } catch {
    return 'new';
  }
}

async function decide({ installation, sequenceNumber }: TaskContext, taskId: string) {
  const { directory, libDirectory } = installation;
  const roleGuid = await readRoleGuid(libDirectory);
  const last = await readHandled(directory, roleGuid);
  const decision = decideEnable(sequenceNumber, taskId, last, await hasWorkers(directory));
  return { decision, last, roleGuid };
}

async function warnOf(context: TaskContext, problems: Promise<readonly string[]>): Promise<void> {
  for (const problem of await problems) {
    context.log.warning(problem);
  }
}
