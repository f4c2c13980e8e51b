import { isBlank, isJsonObject, member, parseJson } from '../../system/json.ts';
import type { ProtectedPart } from '../settings/handler-settings.ts';
import { decryptProtectedSettings } from '../settings/protected-settings.ts';
import { interpretReportSettings, type ReportSettings } from '../settings/report-settings.ts';
import { secretsOf } from '../settings/secrets.ts';
import { percentEncoded } from '../settings/uri.ts';
import type { TaskContext } from '../task/task-context.ts';
import type { SnapshotOrder } from './orders.ts';

/** Limit for the decryption while the service is being ended: the process that ends it waits for it. */
const ENDING_LIMIT_MS = 10_000;

/**
 * Registers the unencrypted secrets of an order for redaction, so that no later log line holds them.
 * Skips parts that cannot be read: `readReportSettings` logs those.
 */
export function hideClearSecrets(
  context: Pick<TaskContext, 'redaction'>,
  order: SnapshotOrder,
): void {
  const { publicSettings, protectedSettings } = order.settings;
  hideSecrets(context, interpret(order, asObject(publicSettings), asObject(protectedSettings)));
}

/**
 * Reads where an order's report is to be sent. Decrypts, so it must not be called between freeze and thaw. Never
 * rejects: a part that cannot be read is logged and counts as missing. Registers the order's secrets for redaction.
 */
export async function readReportSettings(
  context: TaskContext,
  order: SnapshotOrder,
  abort: AbortSignal,
): Promise<ReportSettings> {
  const { publicSettings } = order.settings;
  if (!isBlank(publicSettings) && asObject(publicSettings) === undefined) {
    context.log.warning('ignoring extensionSettings.public: not a JSON object');
  }
  const clear = await clearSettings(context, order, abort);
  const settings = interpret(order, asObject(publicSettings), clear);
  hideSecrets(context, settings);
  return settings;
}

async function clearSettings(
  { openssl, installation, log }: TaskContext,
  { settings }: SnapshotOrder,
  abort: AbortSignal,
): Promise<unknown> {
  const part = protectedPartOf(settings.protectedSettings, settings.thumbprint);
  try {
    const clear = await decryptProtectedSettings(part, installation.libDirectory, {
      ...(openssl === undefined ? {} : { openssl }),
      ...(abort.aborted ? { timeLimitMs: ENDING_LIMIT_MS } : {}),
    });
    if (!isBlank(clear) && asObject(clear) === undefined) {
      log.warning('ignoring extensionSettings.protected: not a JSON object');
    }
    return asObject(clear);
  } catch (error) {
    // An error of flashfreeze: its message quotes nothing of the settings.
    const reason = error instanceof Error ? error.message : String(error);
    log.warning(`ignoring extensionSettings.protected: cannot read it: ${reason}`);
    return undefined;
  }
}

/** Text counts as CMS, unless it is a JSON object. */
function protectedPartOf(value: unknown, thumbprint: unknown): ProtectedPart {
  if (isBlank(value)) {
    return { kind: 'none' };
  }
  return typeof value === 'string' && asObject(value) === undefined
    ? {
        kind: 'encrypted',
        cms: value,
        thumbprint: typeof thumbprint === 'string' && !isBlank(thumbprint) ? thumbprint : undefined,
      }
    : { kind: 'plain', value };
}

function asObject(value: unknown): object | undefined {
  const parsed = typeof value === 'string' ? parsedObject(value) : value;
  return isJsonObject(parsed) ? parsed : undefined;
}

function parsedObject(text: string): unknown {
  try {
    return parseJson(text, '');
  } catch {
    return undefined;
  }
}

/** An order has its own names for the blobs; a task's names are accepted too. */
function interpret(
  { snapshotId }: SnapshotOrder,
  publicSettings: object | undefined,
  protectedSettings: unknown,
): ReportSettings {
  const report = interpretReportSettings(publicSettings, protectedSettings);
  const uriOf = (name: string): string | undefined =>
    uriIn(protectedSettings, name) ?? uriIn(publicSettings, name);
  return {
    ...report,
    taskId: report.taskId === '' ? snapshotId : report.taskId,
    logsBlobUri: uriOf('loggingBlobSasUri') ?? report.logsBlobUri,
    statusBlobUri: uriOf('statusBlobSasUri') ?? report.statusBlobUri,
  };
}

function uriIn(settings: unknown, name: string): string | undefined {
  const value = member(settings, name);
  return typeof value === 'string' && !isBlank(value) ? percentEncoded(value) : undefined;
}

function hideSecrets(
  { redaction }: Pick<TaskContext, 'redaction'>,
  settings: ReportSettings,
): void {
  for (const secret of secretsOf(settings)) {
    redaction.add(secret);
  }
  for (const uri of [settings.logsBlobUri ?? '', settings.statusBlobUri ?? '']) {
    redaction.addUrl(uri);
  }
}
