import { isBlank, isJsonObject, member, parseJson } from '../../system/json.ts';
import type { ProtectedPart } from '../settings/handler-settings.ts';
import { decryptProtectedSettings } from '../settings/protected-settings.ts';
import { interpretReportSettings, type ReportSettings } from '../settings/report-settings.ts';
import { secretsOf } from '../settings/secrets.ts';
import { percentEncoded } from '../settings/uri.ts';
import type { TaskContext } from '../task/task-context.ts';
import type { SnapshotOrder } from './orders.ts';

/** Who wants the service ended waits for the decryption, too. */
const ENDING_LIMIT_MS = 10_000;

/**
 * Makes the secrets known that stand in an order in the clear, so that nothing logged from here on holds
 * them. What cannot be read is left to `readReportSettings`, which tells of it.
 */
export function hideClearSecrets(
  context: Pick<TaskContext, 'redaction'>,
  order: SnapshotOrder,
): void {
  const { publicSettings, protectedSettings } = order.settings;
  hideSecrets(context, interpret(order, asObject(publicSettings), asObject(protectedSettings)));
}

/**
 * Where an order's report goes. Decrypts, so it must not be called between freeze and thaw. Never rejects: what
 * cannot be read is logged and counts as not given. From here on its secrets are known.
 */
export async function readReportSettings(
  context: TaskContext,
  order: SnapshotOrder,
  abort: AbortSignal,
): Promise<ReportSettings> {
  const { publicSettings } = order.settings;
  if (!isBlank(publicSettings) && asObject(publicSettings) === undefined) {
    context.log.warning('public of the extensionSettings is no object and is passed over');
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
      log.warning('protected of the extensionSettings is no object and is passed over');
    }
    return asObject(clear);
  } catch (error) {
    // Of ours, whose messages hold nothing of the text.
    const reason = error instanceof Error ? error.message : String(error);
    log.warning(`protected of the extensionSettings cannot be read and is passed over: ${reason}`);
    return undefined;
  }
}

/** Text is taken for CMS, unless it is the object itself as text. */
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

/** The names of the blobs are the order's own; a sender that uses those of a task is understood too. */
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
