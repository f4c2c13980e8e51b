import { FlashfreezeError } from '../../errors.ts';
import { type ProtectedPart, parseHandlerSettings } from '../settings/handler-settings.ts';
import { decryptProtectedSettings } from '../settings/protected-settings.ts';
import { interpretReportSettings, type ReportSettings } from '../settings/report-settings.ts';
import { secretsOf } from '../settings/secrets.ts';
import { interpretSettings } from '../settings/task-settings.ts';
import type { TaskSettings } from '../task-types.ts';
import type { TaskContext } from './task-context.ts';

/** The parts of a task that could be read: if its settings are invalid, at least where to report that. */
export interface ReadTask {
  readonly report: ReportSettings;
  readonly settings:
    | { readonly ok: true; readonly task: TaskSettings }
    | { readonly ok: false; readonly error: unknown };
}

export const NO_REPORT_SETTINGS: ReportSettings = interpretReportSettings(undefined, undefined);

/** Where to report, from the public part of a settings file; nothing if the settings are invalid. */
export function publicReportSettings(text: string): ReportSettings {
  try {
    return interpretReportSettings(parseHandlerSettings(text).publicSettings, undefined);
  } catch {
    return NO_REPORT_SETTINGS;
  }
}

/** Reads, decrypts and checks the settings of a task. Never rejects. Registers their secrets for redaction. */
export async function readTask(context: TaskContext, text: string): Promise<ReadTask> {
  let report = NO_REPORT_SETTINGS;
  try {
    const { publicSettings, protectedSettings } = parseHandlerSettings(text);
    report = interpretReportSettings(publicSettings, undefined);
    hideSecrets(context, secretsOf(report));
    const { clear, problem } = await readSecrets(context, protectedSettings);
    report = interpretReportSettings(publicSettings, clear);
    hideSecrets(context, secretsOf(report));
    const task = interpret(publicSettings, clear, problem);
    hideSecrets(context, secretsOf(task));
    for (const { url } of task.blobs) {
      context.redaction.addUrl(url);
    }
    return { report, settings: { ok: true, task } };
  } catch (error) {
    return { report, settings: { ok: false, error } };
  }
}

interface ReadSecrets {
  /** Undefined if there are none. */
  readonly clear: unknown;
  /** Why they cannot be read. */
  readonly problem: FlashfreezeError | undefined;
}

async function readSecrets(
  { openssl, installation }: TaskContext,
  protectedSettings: ProtectedPart,
): Promise<ReadSecrets> {
  const options = openssl === undefined ? {} : { openssl };
  try {
    const { libDirectory } = installation;
    const clear = await decryptProtectedSettings(protectedSettings, libDirectory, options);
    return { clear, problem: undefined };
  } catch (error) {
    if (error instanceof FlashfreezeError) {
      return { clear: undefined, problem: error };
    }
    throw error;
  }
}

/**
 * If the protected settings cannot be read, the public ones are enough for the host: only the guest needs the SAS URIs.
 *
 * @throws FlashfreezeError
 */
function interpret(
  publicSettings: unknown,
  clear: unknown,
  problem: FlashfreezeError | undefined,
): TaskSettings {
  if (problem === undefined) {
    return interpretSettings(publicSettings, clear);
  }
  try {
    const task = interpretSettings(publicSettings, undefined);
    const warning = `only the host can take the snapshots: ${problem.message}`;
    return { ...task, blobProblem: problem, warnings: [...task.warnings, warning] };
  } catch {
    throw problem;
  }
}

function hideSecrets({ redaction }: TaskContext, secrets: readonly string[]): void {
  for (const secret of secrets) {
    redaction.add(secret);
  }
}

/** A task whose start is further in the past is not run (settings.md). */
export const LATEST_START_MS = 140 * 60_000;

/**
 * @param now of the trusted clock
 * @throws FlashfreezeError FF_STARTED_TOO_LATE (result 402)
 */
export function requireInTime({ start }: Pick<TaskSettings, 'start'>, now: Date): void {
  if (start === undefined) {
    return;
  }
  const lateMs = now.getTime() - start.at.getTime();
  if (lateMs > LATEST_START_MS) {
    throw new FlashfreezeError(
      'FF_STARTED_TOO_LATE',
      `the snapshot was scheduled for ${start.at.toISOString()}, ${Math.floor(lateMs / 60_000)} minutes ago; over ${LATEST_START_MS / 60_000} is too late. Nothing was frozen; the service will schedule the next backup.`,
    );
  }
}
