import { type Consistency, RESULTS, type ResultCode } from '../../result-codes.ts';
import type { SnapshotCreator, StorageDetails, TaskReport } from '../task-types.ts';
import { asciiJson } from './ascii-json.ts';
import { cutTo } from './fitting.ts';

export type TaskStatus = 'success' | 'error';

/** Codes without an error. */
const SUCCESSES: ReadonlySet<ResultCode> = new Set([0, 1, 3, 4]);
/** The task is in progress; the message has no code then (status.md, Order). */
const IN_PROGRESS: ResultCode = 4;
/** A reason that no reader expects as an outcome: the outcome is that snapshots failed. */
const SOME_DISKS_FAILED: ResultCode = 761;
const DISKS_FAILED: ResultCode = 76;

/** Values of `snapshotConsistency` (status.md). */
const CONSISTENCY_NUMBERS: Readonly<Record<Consistency, number>> = {
  none: 0,
  fileSystemConsistent: 1,
  applicationConsistent: 2,
  crashConsistent: 3,
};

const MAX_HOST_CODE_CHARACTERS = 64;

/**
 * The result of the task. A failed script or database that does not stop the backup leaves its code
 * as a warning (app-consistency.md): if every disk has a usable snapshot, the task still succeeds.
 */
export function statusOf({ code, consistency, snapshots }: TaskReport): TaskStatus {
  const isComplete = snapshots.length > 0 && snapshots.every(({ isSuccessful }) => isSuccessful);
  return SUCCESSES.has(code) || (consistency !== 'none' && isComplete) ? 'success' : 'error';
}

/**
 * `code` of the status: the outcome alone. A warning of a task that succeeds, and the reason why only some disks
 * failed, stand in `vmHealthInfo`, in `extErrorCode` and in the message.
 */
export function outcomeOf(report: TaskReport): ResultCode {
  const { code } = report;
  if (statusOf(report) === 'success') {
    return SUCCESSES.has(code) ? code : 1;
  }
  return code === SOME_DISKS_FAILED ? DISKS_FAILED : code;
}

/** Used space of a task that could not measure it, or has not measured it yet. */
const SIZE_NOT_KNOWN: StorageDetails = {
  partitionCount: 0,
  totalUsedSizeInBytes: 0,
  isSizeComputationFailed: true,
};

/** One answer for both places that tell of the size: `storageDetails` and the message. */
export function storageOf({ storage }: TaskReport): StorageDetails {
  return storage ?? SIZE_NOT_KNOWN;
}

/** `formattedMessage` with its JSON inside the text. */
export function formattedMessage(report: TaskReport): { lang: string; message: string } {
  const message = asciiJson({
    messageStr: messageOf(report),
    snapshotConsistency: CONSISTENCY_NUMBERS[report.consistency],
    jobMessage: '',
    isSizeComputationFailed: storageOf(report).isSizeComputationFailed,
  });
  return { lang: 'en-US', message };
}

function messageOf(report: TaskReport): string {
  const { code, message } = report;
  const ending = endingOf(report);
  return [
    code === IN_PROGRESS ? message : `${message} StatusCode.${RESULTS[code].name},`,
    ...(ending === '' ? [] : [ending]),
  ].join(' ');
}

/** Every part is followed by a comma and a space, the last one too. */
function endingOf({ creator, statusBlobUploadError }: TaskReport): string {
  const parts = [
    ...(creator === undefined ? [] : partsOf(creator)),
    ...(statusBlobUploadError ? ['statusBlobUploadError=true'] : []),
  ];
  return parts.map((part) => `${part}, `).join('');
}

function partsOf(creator: SnapshotCreator): string[] {
  const { name, hostStatusCodePreSnapshot, hostStatusCodeDoSnapshot } = creator;
  return [
    ['snapshotCreator', name] as const,
    ['hostStatusCodePreSnapshot', hostStatusCodePreSnapshot] as const,
    ['hostStatusCodeDoSnapshot', hostStatusCodeDoSnapshot] as const,
  ].flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${cutTo(value, MAX_HOST_CODE_CHARACTERS)}`],
  );
}
