import type { ReportSettings } from '../settings/report-settings.ts';
import { redactReport } from '../status/redact-report.ts';
import { tellEvents, uploadLog, uploadStatus } from '../task/publish.ts';
import { readMachine } from '../task/run-task.ts';
import type { TaskContext } from '../task/task-context.ts';
import { finalReport, withUploadError } from '../task/task-report.ts';
import type { Conclusion } from '../task/task-result.ts';
import type { TaskReport } from '../task-types.ts';
import type { UploadResult } from '../uploads/upload.ts';
import { readReportSettings } from './order-report-settings.ts';
import type { SnapshotOrder } from './orders.ts';

/** Limit for both uploads while the service is being ended. */
const ENDING_LIMIT_MS = 15_000;

/**
 * Reports an order that has been carried out, in the way of a task: status and log to the blobs that it names, events
 * to the agent. Never rejects, and does not change the result that the host received.
 *
 * @returns the task's id as the order names it; undefined if the order could not be reported
 */
export async function reportOrder(
  context: TaskContext,
  order: SnapshotOrder,
  conclusion: Conclusion,
  abort: AbortSignal,
): Promise<string | undefined> {
  try {
    const settings = await readReportSettings(context, order, abort);
    const machine = await readMachine(context, { luns: order.luns });
    const report = finalReport(context, settings, conclusion, machine);
    const uploaded = await upload(context, settings, report, abort);
    await tellEvents(
      context,
      redactReport(uploaded.ok ? report : withUploadError(report), context.redaction),
    );
    return settings.taskId;
  } catch (error) {
    context.log.warning(`cannot report the order: ${String(error)}`);
    return undefined;
  }
}

/** Both at once, so that one which hangs does not cost the other its time. */
async function upload(
  context: TaskContext,
  settings: ReportSettings,
  report: TaskReport,
  abort: AbortSignal,
): Promise<UploadResult> {
  using late = lateAfter(abort, ENDING_LIMIT_MS);
  const [status] = await Promise.all([
    uploadStatus(context, settings, report, { signal: late.signal }),
    uploadLog(context, settings, { signal: late.signal }),
  ]);
  return status;
}

/** A signal that fires so long after the abort, whether that has come already or comes later. */
export function lateAfter(
  abort: AbortSignal,
  delayMs: number,
): Disposable & { readonly signal: AbortSignal } {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    timer = setTimeout(() => late.abort(), delayMs);
  };
  if (abort.aborted) {
    begin();
  }
  abort.addEventListener('abort', begin, { once: true });
  return {
    signal: late.signal,
    [Symbol.dispose]: () => {
      abort.removeEventListener('abort', begin);
      clearTimeout(timer);
    },
  };
}
