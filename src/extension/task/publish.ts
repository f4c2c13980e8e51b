import { FlashfreezeError } from '../../errors.ts';
import { RESULTS } from '../../result-codes.ts';
import type { TaskReport } from '../model.ts';
import type { ReportSettings } from '../settings/report-settings.ts';
import { redactReport } from '../status/redact-report.ts';
import { renderStatusBlob, renderStatusFile } from '../status/render.ts';
import { statusFileExists, writeStatusFile } from '../status/status-file.ts';
import { type EventLevel, writeEvents } from '../telemetry/events.ts';
import type { UploadResult } from '../uploads/upload.ts';
import type { TaskDesk } from './task-desk.ts';
import { withUploadError } from './task-report.ts';

/** The uploads at a task's beginning are of little use to anybody; the snapshot does not wait longer. */
const ANNOUNCE_LIMIT_MS = 5_000;

/**
 * Tells the service that the task is worked on: status and log blob, at the same time. Never rejects,
 * and ends within five seconds: nothing is uploaded while anything is frozen.
 */
export async function announce(
  desk: TaskDesk,
  settings: ReportSettings,
  report: TaskReport,
): Promise<void> {
  const limit = { timeLimitMs: ANNOUNCE_LIMIT_MS };
  await Promise.all([
    uploadStatus(desk, settings, report, limit),
    uploadLog(desk, settings, desk.taskLog.text(), limit),
  ]);
}

/**
 * Tells everybody what a task came to, in the order of status.md: status blob, status file, log blob,
 * events. Never rejects; what fails costs nobody the rest.
 */
export async function publish(
  desk: TaskDesk,
  settings: ReportSettings,
  unredacted: TaskReport,
): Promise<void> {
  const report = redactReport(unredacted, desk.redaction);
  const { code, message } = report;
  desk.log.info(`result ${code} (${RESULTS[code].name}): ${message}`);
  const uploaded = await uploadStatus(desk, settings, report);
  const told = uploaded.ok ? report : withUploadError(report);
  await replaceStatusIfWanted(desk, told);
  await uploadLog(desk, settings, desk.taskLog.text());
  await tellEvents(desk, told);
}

/** A file that is gone is not wanted any more: a newer sequence number has taken its place. */
async function replaceStatusIfWanted(desk: TaskDesk, report: TaskReport): Promise<void> {
  const { statusFolder } = desk.installation.handler;
  if (!(await statusFileExists(statusFolder, desk.sequenceNumber))) {
    return;
  }
  try {
    await replaceStatus(desk, report);
  } catch (error) {
    desk.log.error(error instanceof FlashfreezeError ? error.message : String(error));
  }
}

/** @throws FlashfreezeError FF_STATUS_UNWRITABLE */
export async function replaceStatus(desk: TaskDesk, report: TaskReport): Promise<void> {
  const { statusFolder } = desk.installation.handler;
  const text = renderStatusFile(redactReport(report, desk.redaction), new Date());
  await writeStatusFile(statusFolder, desk.sequenceNumber, text);
}

interface UploadLimit {
  readonly timeLimitMs?: number;
}

async function uploadStatus(
  desk: TaskDesk,
  { statusBlobUri }: ReportSettings,
  report: TaskReport,
  limit: UploadLimit = {},
): Promise<UploadResult> {
  const redacted = redactReport(report, desk.redaction);
  return await upload(desk, statusBlobUri, limit, async ({ uploadStatusBlob }, uri, options) =>
    uploadStatusBlob(uri, renderStatusBlob(redacted, new Date()), options),
  );
}

async function uploadLog(
  desk: TaskDesk,
  { logsBlobUri }: ReportSettings,
  text: string,
  limit: UploadLimit = {},
): Promise<void> {
  await upload(desk, logsBlobUri, limit, async ({ uploadLogBlob }, uri, options) =>
    uploadLogBlob(uri, text, options),
  );
}

type Uploads = typeof import('../uploads/upload.ts');

/** The client of the blob service is loaded here: enabling does without, and it takes its time. */
async function upload(
  desk: TaskDesk,
  uri: string | undefined,
  limit: UploadLimit,
  send: (
    uploads: Uploads,
    uri: string,
    options: UploadLimit & { readonly proxy: string | undefined },
  ) => Promise<UploadResult>,
): Promise<UploadResult> {
  if (uri === undefined || !desk.configuration.uploadStatusAndLog) {
    return { ok: true };
  }
  const uploads = await import('../uploads/upload.ts');
  const result = await send(uploads, uri, { ...limit, proxy: desk.proxyFor(uri) });
  if (!result.ok) {
    desk.log.warning(result.message);
  }
  return result;
}

const EVENT_LEVELS: Readonly<Record<'green' | 'yellow' | 'red', EventLevel>> = {
  green: 'Informational',
  yellow: 'Warning',
  red: 'Error',
};

async function tellEvents(desk: TaskDesk, report: TaskReport): Promise<void> {
  if (!desk.configuration.events) {
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
      eventsFolder: desk.installation.handler.eventsFolder,
      extensionVersion: desk.installation.version,
      taskName: 'Snapshot',
      operationId: report.taskId,
      redaction: desk.redaction,
    },
  );
  if (!result.ok) {
    desk.log.warning(result.message);
  }
}
