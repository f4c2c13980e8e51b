import { FlashfreezeError } from '../../errors.ts';
import { RESULTS } from '../../result-codes.ts';
import { readRoleGuid } from '../machine-identity.ts';
import type { ReportSettings } from '../settings/report-settings.ts';
import { redactReport } from '../status/redact-report.ts';
import { renderStatusBlob, renderStatusFile } from '../status/render.ts';
import { hasNewerStatusFile, statusFileExists, writeStatusFile } from '../status/status-file.ts';
import { finishTask, readHandled } from '../task-history.ts';
import type { TaskReport } from '../task-types.ts';
import { type EventLevel, writeEvents } from '../telemetry/events.ts';
import {
  DEFAULT_UPLOAD_LIMIT_MS,
  type UploadOptions,
  type UploadResult,
  uploadLogBlob,
  uploadStatusBlob,
} from '../uploads/upload.ts';
import type { TaskContext } from './task-context.ts';
import { withUploadError } from './task-report.ts';

/** The uploads at the start of a task are of little use, so the snapshot does not wait longer for them. */
const ANNOUNCE_LIMIT_MS = 5_000;
const ENDING_LIMIT_MS = 15_000;

/**
 * Reports to the service that the task is in progress: status and log blob, in parallel. Never rejects,
 * and ends within five seconds: nothing is uploaded while anything is frozen.
 */
export async function announce(
  context: TaskContext,
  settings: ReportSettings,
  report: TaskReport,
): Promise<void> {
  await Promise.all([
    uploadStatus(context, settings, report, { timeLimitMs: ANNOUNCE_LIMIT_MS }),
    uploadLog(context, settings, { timeLimitMs: ANNOUNCE_LIMIT_MS }),
  ]);
}

/**
 * Reports the result of a task, in the order of status.md: status blob, status file, log blob,
 * events. Never rejects; if one part fails, the others are still done.
 *
 * As soon as the status is written, the task is noted as finished: what follows may take minutes, and if the process dies
 * in that time, the next enable must not report the task as interrupted in place of its result. A process that holds the
 * lock of tasks must still hold it then, because the next holder would report the task, too.
 */
export async function publish(
  context: TaskContext,
  settings: ReportSettings,
  unredacted: TaskReport,
  abort: AbortSignal,
): Promise<void> {
  const report = redactReport(unredacted, context.redaction);
  const { code, message } = report;
  context.log.info(`result ${code} (${RESULTS[code].name}): ${message}`);
  const uploaded = await uploadStatus(context, settings, report, limitOf(abort));
  const told = uploaded.ok ? report : withUploadError(report);
  const isReplaced = await replaceStatusIfWanted(context, told);
  await finishTask(context.installation.directory, context.sequenceNumber).catch(() => {});
  await uploadLog(context, settings, limitOf(abort));
  await tellEvents(context, told);
  if (!isReplaced) {
    // The uploads have taken a while: what kept the file from being written (a full disk) may be over.
    await replaceStatusIfWanted(context, told);
  }
}

/**
 * Reports a task that no process could be started for: status blob, status file, log blob. To be called by enable, which
 * the agent waits for, so each upload has 15 s at most.
 *
 * @throws FlashfreezeError FF_STATUS_UNWRITABLE, after the rest was done
 */
export async function publishRefusal(
  context: TaskContext,
  settings: ReportSettings,
  report: TaskReport,
): Promise<void> {
  const limits = { timeLimitMs: ENDING_LIMIT_MS };
  const uploaded = await uploadStatus(context, settings, report, limits);
  try {
    await replaceStatus(context, uploaded.ok ? report : withUploadError(report));
  } finally {
    await uploadLog(context, settings, limits);
  }
}

/** The process that ends the task waits for its report, too. */
function limitOf(abort: AbortSignal): UploadLimits {
  return { timeLimitMs: abort.aborted ? ENDING_LIMIT_MS : DEFAULT_UPLOAD_LIMIT_MS };
}

/** @returns false if it could not be written; the log then says why */
async function replaceStatusIfWanted(context: TaskContext, report: TaskReport): Promise<boolean> {
  try {
    if (await isStatusWanted(context)) {
      await replaceStatus(context, report);
    }
    return true;
  } catch (error) {
    context.log.error(error instanceof FlashfreezeError ? error.message : String(error));
    return false;
  }
}

/**
 * A file that a newer sequence number has replaced must not come back. One that is missing because it did not fit on the disk
 * when the task was begun is written now: without it the agent would never see the task end.
 */
async function isStatusWanted({ installation, sequenceNumber }: TaskContext): Promise<boolean> {
  const { directory, libDirectory, handler } = installation;
  if (await statusFileExists(handler.statusFolder, sequenceNumber)) {
    return true;
  }
  const last = await readHandled(directory, await readRoleGuid(libDirectory));
  return (
    last.sequenceNumber === sequenceNumber &&
    !(await hasNewerStatusFile(handler.statusFolder, sequenceNumber))
  );
}

/** @throws FlashfreezeError FF_STATUS_UNWRITABLE */
export async function replaceStatus(context: TaskContext, report: TaskReport): Promise<void> {
  const { statusFolder } = context.installation.handler;
  const text = renderStatusFile(redactReport(report, context.redaction), new Date());
  await writeStatusFile(statusFolder, context.sequenceNumber, text);
}

type UploadLimits = Pick<UploadOptions, 'timeLimitMs' | 'signal'>;

/** Uploads the report to the status blob, if one is named and enabled. Never rejects; a failure is logged. */
export async function uploadStatus(
  context: TaskContext,
  { statusBlobUri }: ReportSettings,
  report: TaskReport,
  limits: UploadLimits,
): Promise<UploadResult> {
  const text = renderStatusBlob(redactReport(report, context.redaction), new Date());
  return await upload(context, statusBlobUri, uploadStatusBlob, text, limits);
}

/** Uploads the log so far to the log blob. Never rejects. */
export async function uploadLog(
  context: TaskContext,
  { logsBlobUri }: ReportSettings,
  limits: UploadLimits,
): Promise<void> {
  await upload(context, logsBlobUri, uploadLogBlob, context.taskLog.text(), limits);
}

async function upload(
  context: TaskContext,
  uri: string | undefined,
  send: typeof uploadStatusBlob,
  text: string,
  limits: UploadLimits,
): Promise<UploadResult> {
  if (uri === undefined || !context.configuration.uploadStatusAndLog) {
    return { ok: true };
  }
  const result = await send(uri, text, { proxy: context.proxyFor(uri), ...limits });
  if (!result.ok) {
    context.log.warning(result.message);
  }
  return result;
}

const EVENT_LEVELS: Readonly<Record<'green' | 'yellow' | 'red', EventLevel>> = {
  green: 'Informational',
  yellow: 'Warning',
  red: 'Error',
};

/** Writes the result and its figures to the agent's folder, if events are enabled. Never rejects; a failure is logged. */
export async function tellEvents(context: TaskContext, report: TaskReport): Promise<void> {
  if (!context.configuration.events) {
    return;
  }
  const { code, message, telemetry } = report;
  const at = new Date();
  const { name, health } = RESULTS[code];
  const figures = telemetry.map(([key, value]) => `${key}=${value}`).join(', ');
  const result = await writeEvents(
    [
      { at, level: EVENT_LEVELS[health], message: `${code} ${name}: ${message}` },
      { at, level: 'Informational', message: figures },
    ],
    {
      eventsFolder: context.installation.handler.eventsFolder,
      extensionVersion: context.installation.version,
      taskName: 'Snapshot',
      operationId: report.taskId,
      redaction: context.redaction,
    },
  );
  if (!result.ok) {
    context.log.warning(result.message);
  }
}
