import {
  booleanOf,
  isJsonObject,
  type JsonObject,
  parseJsonObject,
  textOf,
} from '../../system/json.ts';
import { type HostClient, hostPost, isSuccess } from './host-client.ts';
import {
  bodyText,
  describeHostStatusCode,
  hostStatusCode,
  UNEXPECTED_FAILURE,
} from './status-code.ts';

const PATH = '/metadata/recsvc/snapshot/presnapshot?api-version=2017-12-01';

export interface PreSnapshotRequest {
  readonly taskId: string;
  /** Secret. */
  readonly snapshotTaskToken: string;
  /** Requests the encryption details of a VM with Azure Disk Encryption. */
  readonly isVmAdeEnabled: boolean;
}

/** The host's answer before the freeze. */
export interface PreSnapshot {
  /** For telemetry; the HTTP status, or one of 555 to 558. */
  readonly statusCode: number;
  /** True if the host can take the snapshot. */
  readonly succeeded: boolean;
  /** The time of the host's clock when it answered. */
  readonly responseTime: Date | undefined;
  /** When the answer was in, CLOCK_MONOTONIC. */
  readonly receivedNs: bigint;
  readonly isOsDiskAdeEncrypted: boolean | undefined;
  readonly areDataDisksAdeEncrypted: boolean | undefined;
  /** Unchanged; do-snapshot sends it back. Secret. */
  readonly diskEncryptionSettings: unknown;
  readonly bhsVersion: string | undefined;
  readonly nodeId: string | undefined;
  /** Why it failed, for people; undefined if it succeeded. */
  readonly problem: string | undefined;
}

/**
 * Asks the host, before anything is frozen, whether it takes snapshots, what time it is, and how the
 * disks are encrypted (host-api.md, Pre-snapshot). Rejects only if aborted, with the signal's reason.
 */
export async function preSnapshot(
  client: HostClient,
  request: PreSnapshotRequest,
  abort: AbortSignal,
): Promise<PreSnapshot> {
  const end = await client.call(hostPost(PATH, preSnapshotBody(request)), { abort });
  const receivedNs = process.hrtime.bigint();
  return readPreSnapshot(hostStatusCode(end), bodyText(end), receivedNs);
}

function preSnapshotBody({
  taskId,
  snapshotTaskToken,
  isVmAdeEnabled,
}: PreSnapshotRequest): object {
  const asked = { preSnapshotSettings: [{ Key: 'isVMADEEnabled', Value: true }] };
  return { taskId, snapshotTaskToken, ...(isVmAdeEnabled ? asked : {}) };
}

/** Pure. @param statusCode from `hostStatusCode` */
export function readPreSnapshot(statusCode: number, body: string, receivedNs: bigint): PreSnapshot {
  const parsed = parseJsonObject(body);
  const isReadable = !isSuccess(statusCode) || parsed !== undefined;
  const code = isReadable ? statusCode : UNEXPECTED_FAILURE;
  const succeeded = isSuccess(code);
  const answer: JsonObject = succeeded ? (parsed ?? {}) : {};
  return {
    statusCode: code,
    succeeded,
    responseTime: timeOf(answer.responseTime),
    receivedNs,
    isOsDiskAdeEncrypted: booleanOf(answer.isOsDiskADEEncrypted),
    areDataDisksAdeEncrypted: booleanOf(answer.areDataDisksADEEncrypted),
    diskEncryptionSettings: answer.DiskEncryptionSettings ?? undefined,
    bhsVersion: textOf(answer.bhsVersion),
    nodeId: textOf(answer.nodeId),
    problem: succeeded ? undefined : `the host service ${describeHostStatusCode(code)}`,
  };
}

/** All secrets of the answer, for redaction: the values of the encryption settings. */
export function secretsOfPreSnapshot({ diskEncryptionSettings }: PreSnapshot): string[] {
  return [...new Set(textsIn(diskEncryptionSettings))];
}

/** All texts except the names of settings: names are public, values are secret. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') {
    return [value];
  }
  if (Array.isArray(value)) {
    return value.flatMap(textsIn);
  }
  if (!isJsonObject(value)) {
    return [];
  }
  return Object.entries(value).flatMap(([name, member]) => (name === 'Key' ? [] : textsIn(member)));
}

const TIME_FIELDS = ['year', 'month', 'day', 'hour', 'minute', 'second'] as const;

/** Parses `{"year", "month", …}`, UTC; undefined if a field is missing or the time does not exist. */
function timeOf(value: unknown): Date | undefined {
  if (!isJsonObject(value)) {
    return undefined;
  }
  const fields = TIME_FIELDS.map((name) => Number(value[name] ?? Number.NaN));
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields;
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const exists =
    fields.every(Number.isInteger) &&
    time.getUTCFullYear() === year &&
    time.getUTCMonth() === month - 1 &&
    time.getUTCDate() === day &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  return exists ? time : undefined;
}
