import { type Health, RESULTS } from '../../result-codes.ts';
import type { SnapshotInfo, TaskReport } from '../task-types.ts';
import { asciiJson } from './ascii-json.ts';
import { cutTo, longestFitting } from './fitting.ts';
import { formattedMessage, outcomeOf, statusOf, storageOf } from './message.ts';

/**
 * Length limit of the copy of the blob's JSON in the status file: an agent cuts a substatus name to
 * this length (agent-contract.md, Status file).
 */
export const MAX_COPY_CHARACTERS = 10_240;

/**
 * Length limit of the status file. The agent starts cutting at 131,072 characters; half of that leaves
 * room for an agent that counts the characters of the text into which it turns the file.
 */
export const MAX_STATUS_FILE_CHARACTERS = 65_536;

/** Keeps the blob's JSON far under the 10 MiB that a status blob may have (blob-api.md). */
const MAX_MESSAGE_CHARACTERS = 262_144;
const MAX_ERROR_CHARACTERS = 4_096;
const MAX_TELEMETRY_CHARACTERS = 1_024;
/** For names and identifiers, so that the copy fits if it contains only these. */
const MAX_NAME_CHARACTERS = 256;
/** If less of a message would be left, telemetry is left out instead. */
const LEAST_MESSAGE_CHARACTERS = 1_024;

/** Values of `vmHealthState` (status.md). */
const HEALTH_NUMBERS: Readonly<Record<Health, number>> = { green: 0, yellow: 128, red: 256 };

/** The parts of a report that go into the blob's JSON. */
interface Parts {
  readonly snapshots: boolean;
  readonly telemetry: boolean;
}

const EVERYTHING: Parts = { snapshots: true, telemetry: true };
const WITHOUT_SNAPSHOTS: Parts = { snapshots: false, telemetry: true };
const ONLY_THE_MESSAGE: Parts = { snapshots: false, telemetry: false };

/**
 * The text of the status blob (status.md): JSON of one object in an array, in ASCII. Pure; the
 * report must hold no secret (`redactReport`). A message over 262,144 characters is cut.
 */
export function renderStatusBlob(report: TaskReport, now: Date): string {
  return blobText(withinBounds(report), now, EVERYTHING);
}

/**
 * The text of the status file (status.md): stays inside the agent's limits, so that no agent ever
 * cuts it, by cutting the message and by leaving parts out of the copy of the blob's JSON: first
 * `snapshotInfo`, and if the message is long too, `telemetryData`.
 */
export function renderStatusFile(report: TaskReport, now: Date): string {
  const bounded = withinBounds(report);
  const copy = renderCopy(bounded, now);
  const render = (message: string): string => fileText({ ...bounded, message }, now, copy);
  return render(
    fitted(bounded.message, (message) => render(message).length <= MAX_STATUS_FILE_CHARACTERS),
  );
}

function renderCopy(report: TaskReport, now: Date): string {
  const render = (parts: Parts, message = report.message): string =>
    blobText({ ...report, message }, now, parts);
  const whole = [EVERYTHING, WITHOUT_SNAPSHOTS]
    .map((parts) => render(parts))
    .find((text) => text.length <= MAX_COPY_CHARACTERS);
  if (whole !== undefined) {
    return whole;
  }
  const messageBeside = (parts: Parts): string | undefined =>
    longestFitting(
      report.message,
      (message) => render(parts, message).length <= MAX_COPY_CHARACTERS,
    );
  const message = messageBeside(WITHOUT_SNAPSHOTS);
  const leastCharacters = Math.min(report.message.length, LEAST_MESSAGE_CHARACTERS);
  return message !== undefined && message.length >= leastCharacters
    ? render(WITHOUT_SNAPSHOTS, message)
    : render(ONLY_THE_MESSAGE, messageBeside(ONLY_THE_MESSAGE) ?? '');
}

function fitted(message: string, fits: (candidate: string) => boolean): string {
  return longestFitting(message, fits) ?? '';
}

/** Times have their slashes escaped, which no JSON writer does by default. */
function blobText(report: TaskReport, now: Date, { snapshots, telemetry }: Parts): string {
  const status = withEscapedDates({
    ...leadingFields(report),
    status: statusOf(report),
    substatus: [],
    ...commonFields(report),
    telemetryData: telemetry ? telemetryOf(report) : [],
    uniqueMachineId: report.uniqueMachineId,
    ...(snapshots && { snapshotInfo: snapshotInfosOf(report) }),
    vmHealthInfo: {
      vmHealthState: HEALTH_NUMBERS[RESULTS[report.code].health],
      vmHealthStatusCode: report.code,
    },
  });
  return String.raw`[{"version":"1.0","timestampUTC":"\/Date(${now.getTime()})\/","status":${status}}]`;
}

/** Inside a text the quotes are escaped, so only such a field can match. */
function withEscapedDates(value: object): string {
  return asciiJson(value).replace(
    /"DateTime":"\/Date\((-?\d+)\)\/"/g,
    String.raw`"DateTime":"\/Date($1)\/"`,
  );
}

/**
 * The agent reads a missing text as null and then reports nothing for the whole VM, so the
 * substatus has a message even if there is nothing to report.
 */
function fileText(report: TaskReport, now: Date, copy: string): string {
  const substatus = {
    code: '0',
    name: copy,
    status: 'success',
    formattedMessage: { lang: 'en-US', message: '' },
  };
  const status = {
    ...leadingFields(report),
    status: report.isV2 ? 'success' : statusOf(report),
    substatus: [substatus],
    ...commonFields(report),
    telemetryData: null,
    uniqueMachineId: report.uniqueMachineId,
    snapshotInfo: null,
    vmHealthInfo: null,
  };
  const timestampUTC = now.toISOString().replace(/\.\d{3}Z$/, 'Z');
  return asciiJson([{ version: '1.0', timestampUTC, status }]);
}

function leadingFields({ handlerName }: TaskReport): object {
  return { name: handlerName, operation: 'Enable' };
}

function commonFields(report: TaskReport): object {
  const storage = storageOf(report);
  return {
    code: String(outcomeOf(report)),
    taskId: report.taskId,
    commandStartTimeUTCTicks: report.startTicks,
    formattedMessage: formattedMessage(report),
    storageDetails: {
      partitionCount: storage.partitionCount,
      totalUsedSizeInBytes: storage.totalUsedSizeInBytes,
      isStoragespacePresent: false,
      isSizeComputationFailed: storage.isSizeComputationFailed,
    },
  };
}

function telemetryOf({ telemetry }: TaskReport): object[] {
  return telemetry.map(([key, value]) => ({
    Key: key,
    Value: cutTo(value, MAX_TELEMETRY_CHARACTERS),
  }));
}

/** Readers expect null, not an empty list, if there is nothing to tell of. */
function snapshotInfosOf({ snapshots }: TaskReport): object[] | null {
  return snapshots.length === 0 ? null : snapshots.map(snapshotInfoOf);
}

function snapshotInfoOf(snapshot: SnapshotInfo): object {
  return {
    isSuccessful: snapshot.isSuccessful,
    snapshotUri: snapshot.snapshotUri ?? null,
    errorMessage: cutTo(snapshot.errorMessage, MAX_ERROR_CHARACTERS),
    blobUri: snapshot.blobUri ?? null,
    directDriveSnapshotIdentifier: directDriveOf(snapshot),
  };
}

function directDriveOf({ directDrive }: SnapshotInfo): object | null {
  if (directDrive === undefined) {
    return null;
  }
  const { createdAt, id, token, instantAccessDurationMinutes } = directDrive;
  return {
    creationTime: { DateTime: `/Date(${createdAt.getTime()})/`, OffsetMinutes: 0 },
    id,
    token,
    instantAccessDurationMinutes: instantAccessDurationMinutes ?? null,
  };
}

function withinBounds(report: TaskReport): TaskReport {
  return {
    ...report,
    handlerName: cutTo(report.handlerName, MAX_NAME_CHARACTERS),
    taskId: cutTo(report.taskId, MAX_NAME_CHARACTERS),
    startTicks: cutTo(report.startTicks, MAX_NAME_CHARACTERS),
    uniqueMachineId: cutTo(report.uniqueMachineId, MAX_NAME_CHARACTERS),
    message: cutTo(report.message, MAX_MESSAGE_CHARACTERS),
  };
}
