import { redact } from '../../log/redaction.ts';
import {
  isJsonObject,
  isTrue,
  type JsonObject,
  parseJsonObject,
  textOf,
  wholeNumberOf,
} from '../../system/json.ts';
import { withoutUserAndFragment } from '../blob/blob-url.ts';
import type { DirectDriveSnapshot } from '../snapshot-types.ts';
import type { HostCall, HostDiskAnswer } from './host-call.ts';
import { hostPost, isSuccess } from './host-client.ts';
import { describeHostStatusCode, UNEXPECTED_FAILURE } from './status-code.ts';

const PATH = '/metadata/recsvc/snapshot/dosnapshot?api-version=2017-12-01';
/** Maximum length of a text from the host in our messages. */
const MESSAGE_LIMIT = 1_024;

/** A setting or metadata pair of a request; a value may be any JSON. */
export type HostPair = readonly [key: string, value: unknown];

export interface DoSnapshotRequest {
  readonly taskId: string;
  /** LUNs; −1 for the OS disk. Empty: every disk. */
  readonly diskIds: readonly number[];
  readonly settings: readonly HostPair[];
  /** Secret. */
  readonly snapshotTaskToken: string;
  /** May hold encryption settings: secret. */
  readonly metadata: readonly HostPair[];
  readonly instantAccessDurationMinutes: number | undefined;
}

/** Builds the do-snapshot call (host-api.md) with its body. */
export function doSnapshotCall(request: DoSnapshotRequest): HostCall {
  const { diskIds, instantAccessDurationMinutes } = request;
  const body = {
    taskId: request.taskId,
    diskIds,
    settings: request.settings.map(asMember),
    snapshotTaskToken: request.snapshotTaskToken,
    snapshotMetadata: request.metadata.map(asMember),
    ...(instantAccessDurationMinutes === undefined ? {} : { instantAccessDurationMinutes }),
  };
  return {
    request: hostPost(PATH, body),
    succeeds: isSuccess,
    readAnswer: (statusCode, text) => readDoSnapshot(statusCode, text, diskIds),
  };
}

function asMember([Key, Value]: HostPair): object {
  return { Key, Value };
}

/**
 * One entry for each disk that the host names, and a failed one for each LUN that it omits. Entries can be
 * assigned to LUNs only if there are as many entries as LUNs.
 */
export function readDoSnapshot(
  statusCode: number,
  body: string,
  luns: readonly number[],
): HostDiskAnswer[] {
  if (!isSuccess(statusCode)) {
    return everyDiskFailed(statusCode, luns, `${says(statusCode)}${errorIn(body)}`);
  }
  const entries = parseJsonObject(body)?.snapshotInfo;
  if (!Array.isArray(entries)) {
    return everyDiskFailed(UNEXPECTED_FAILURE, luns, says(UNEXPECTED_FAILURE));
  }
  const named = entries.map((entry: unknown, index) =>
    readEntry(isJsonObject(entry) ? entry : {}, {
      statusCode,
      lun: entries.length === luns.length ? luns[index] : undefined,
    }),
  );
  const missing = Math.max(named.length === 0 ? 1 : 0, luns.length - named.length);
  const omitted = Array.from({ length: missing }, () =>
    failed({ statusCode, lun: undefined }, 'the host service omitted a disk from its answer'),
  );
  return [...named, ...omitted];
}

interface Place {
  readonly statusCode: number;
  readonly lun: number | undefined;
}

function readEntry(entry: JsonObject, place: Place): HostDiskAnswer {
  const uri = cleanUri(textOf(entry.snapshotUri));
  const directDrive = directDriveOf(entry.ddSnapshotIdentifier);
  if (!isTrue(entry.isSuccessful)) {
    const said = textOf(entry.errorMessage)?.trim() ?? '';
    const message = said === '' ? 'the host service took no snapshot and gave no reason' : said;
    const httpStatus = wholeNumberOf(entry.statusCode);
    return {
      ...failed(place, cleanMessage(message)),
      uri,
      directDrive,
      httpStatus,
      serviceCode: serviceCodeIn(message),
    };
  }
  const time = uri === undefined ? undefined : URL.parse(uri)?.searchParams.get('snapshot');
  const snapshot = time ?? directDrive?.id ?? uri ?? 'taken by the host';
  return { ok: true, ...place, uri, directDrive, snapshot };
}

function everyDiskFailed(
  statusCode: number,
  luns: readonly number[],
  message: string,
): HostDiskAnswer[] {
  const each = luns.length === 0 ? [undefined] : luns;
  return each.map((lun) => failed({ statusCode, lun }, message));
}

function failed(place: Place, message: string): HostDiskAnswer & { ok: false } {
  const nothing = { uri: undefined, directDrive: undefined };
  return {
    ok: false,
    ...place,
    ...nothing,
    message,
    serviceCode: undefined,
    httpStatus: undefined,
  };
}

function says(statusCode: number): string {
  return `the host service ${describeHostStatusCode(statusCode)}`;
}

/** The service's own text for a refusal. */
function errorIn(body: string): string {
  const error = parseJsonObject(body)?.error;
  const words = isJsonObject(error) ? [error.code, error.message] : [error];
  const texts = words.flatMap((word) => textOf(word) ?? []).filter((text) => text !== '');
  return texts.length === 0 ? '' : `: ${cleanMessage(texts.join(', '))}`;
}

function cleanMessage(message: string): string {
  return redact(message).slice(0, MESSAGE_LIMIT);
}

/** The Blob service's texts as in blob-api.md; the host passes them on as text. */
const SERVICE_CODES: readonly (readonly [words: RegExp, code: string])[] = [
  [/SnapshotOperationRateExceeded|rate of snapshot blob calls/i, 'SnapshotOperationRateExceeded'],
  [/SnapshotCountExceeded|snapshot count against this blob/i, 'SnapshotCountExceeded'],
];

function serviceCodeIn(message: string): string | undefined {
  return SERVICE_CODES.find(([words]) => words.test(message))?.[1];
}

/** Parts of a query that name a snapshot; everything else may be a signature. */
const NAMES_SNAPSHOT = /^(?:snapshot|snapshotId|versionId)=/i;

/** The URI byte for byte, because the service compares it with its own, but without what may be secret. */
function cleanUri(text: string | undefined): string | undefined {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '') {
    return undefined;
  }
  const url = URL.parse(trimmed);
  if (url === null || url.origin === 'null') {
    return redact(trimmed);
  }
  const [address = '', query = ''] = withoutUserAndFragment(trimmed, url).split(/\?(.*)/s);
  const kept = query.split('&').filter((part) => NAMES_SNAPSHOT.test(part));
  return redact(`${address}${kept.length === 0 ? '' : `?${kept.join('&')}`}`);
}

/** Undefined if it is missing or cannot be used to find the snapshot. */
function directDriveOf(value: unknown): DirectDriveSnapshot | undefined {
  if (!isJsonObject(value)) {
    return undefined;
  }
  const createdAt = timeOf(textOf(value.creationTime));
  const id = textOf(value.id);
  if (createdAt === undefined || id === undefined) {
    return undefined;
  }
  return {
    createdAt,
    id,
    token: textOf(value.token) ?? '',
    instantAccessDurationMinutes: wholeNumberOf(value.instantAccessDurationMinutes),
  };
}

/** Parses ISO-8601, with or without a fraction; UTC if it names no offset. */
function timeOf(text: string | undefined): Date | undefined {
  const [, seconds, fraction = '', offset = 'Z'] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/.exec(text ?? '') ?? [];
  const time = new Date(`${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${offset}`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
