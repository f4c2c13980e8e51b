import { FlashfreezeError } from '../../errors.ts';
import { parseHandlerSettings } from '../settings/handler-settings.ts';
import { decryptProtectedSettings } from '../settings/protected-settings.ts';
import { interpretReportSettings, type ReportSettings } from '../settings/report-settings.ts';
import { secretsOf } from '../settings/secrets.ts';
import { interpretSettings } from '../settings/task-settings.ts';
import type { TaskSettings } from '../task-types.ts';
import type { TaskContext } from './task-context.ts';

/** What could be read of a task: with wrong settings still where to report that they are wrong. */
export interface ReadTask {
  readonly report: ReportSettings;
  readonly settings:
    | { readonly ok: true; readonly task: TaskSettings }
    | { readonly ok: false; readonly error: unknown };
}

export const NO_REPORT_SETTINGS: ReportSettings = interpretReportSettings(undefined, undefined);

/** What the public part of a settings file says of where to report; of settings that make no sense nothing. */
export function publicReportSettings(text: string): ReportSettings {
  try {
    return interpretReportSettings(parseHandlerSettings(text).publicSettings, undefined);
  } catch {
    return NO_REPORT_SETTINGS;
  }
}

/** Reads, decrypts and checks the settings of a task. Never rejects. From here on their secrets are known. */
export async function readTask(context: TaskContext, text: string): Promise<ReadTask> {
  let report = NO_REPORT_SETTINGS;
  try {
    const { publicSettings, protectedSettings } = parseHandlerSettings(text);
    report = interpretReportSettings(publicSettings, undefined);
    hideSecrets(context, secretsOf(report));
    const { openssl, installation } = context;
    const clear = await decryptProtectedSettings(
      protectedSettings,
      installation.libDirectory,
      openssl === undefined ? {} : { openssl },
    );
    report = interpretReportSettings(publicSettings, clear);
    hideSecrets(context, secretsOf(report));
    const task = interpretSettings(publicSettings, clear);
    hideSecrets(context, secretsOf(task));
    for (const { url } of task.blobs) {
      context.redaction.addUrl(url);
    }
    return { report, settings: { ok: true, task } };
  } catch (error) {
    return { report, settings: { ok: false, error } };
  }
}

function hideSecrets({ redaction }: TaskContext, secrets: readonly string[]): void {
  for (const secret of secrets) {
    redaction.add(secret);
  }
}

/** No schedule lies so far ahead; a task that waited for it would keep the next ones waiting. */
const EARLIEST_REQUEST_MS = 24 * 3_600_000;

/** A start this long past is not carried out any more (settings.md). */
export const LATEST_START_MS = 140 * 60_000;

/**
 * @param now by the clock that is trusted
 * @throws FlashfreezeError FF_STARTED_TOO_LATE (result 402), FF_SETTINGS_INVALID (11)
 */
export function requireInTime({ start }: Pick<TaskSettings, 'start'>, now: Date): void {
  if (start === undefined) {
    return;
  }
  const lateMs = now.getTime() - start.at.getTime();
  if (-lateMs > EARLIEST_REQUEST_MS) {
    throw new FlashfreezeError(
      'FF_SETTINGS_INVALID',
      `commandStartTimeUTCTicks of the settings is ${start.at.toISOString()}; expected at most 24 hours ahead of ${now.toISOString()}.`,
    );
  }
  if (lateMs > LATEST_START_MS) {
    throw new FlashfreezeError(
      'FF_STARTED_TOO_LATE',
      `the snapshot was scheduled for ${start.at.toISOString()}, ${Math.floor(lateMs / 60_000)} minutes ago; over ${LATEST_START_MS / 60_000} is too late. Nothing was frozen; the next backup is scheduled anew.`,
    );
  }
}
