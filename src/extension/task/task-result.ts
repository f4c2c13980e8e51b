import type { FailedFreeze } from '../../backup/crash-consistent.ts';
import { judge } from '../../backup/outcome.ts';
import { PreflightError } from '../../backup/preflight.ts';
import type { BackupRecord } from '../../backup/record.ts';
import { describeGap, isFault } from '../../backup/whole-set/describe-gap.ts';
import { type ErrorCode, FlashfreezeError } from '../../errors.ts';
import { QuiesceError } from '../../quiesce/quiesce-error.ts';
import { summarize } from '../../report/summary.ts';
import type { Consistency, ResultCode } from '../../result-codes.ts';
import type { Blob } from '../../snapshot/blob/blob.ts';
import type { Taken } from '../snapshot-method/take-snapshots.ts';
import type { SnapshotCreator, SnapshotInfo } from '../task-types.ts';
import { urisOf } from './snapshot-uris.ts';

/** The result of a task. No secrets. */
export interface Conclusion {
  readonly code: ResultCode;
  /** For people. */
  readonly message: string;
  readonly consistency: Consistency;
  /** One for each blob of the task. */
  readonly snapshots: readonly SnapshotInfo[];
  /** Undefined if the task ended before the freeze. */
  readonly record: BackupRecord | undefined;
  /** Undefined if no snapshot was to be taken. */
  readonly creator: SnapshotCreator | undefined;
}

/**
 * The result of a task that was to take snapshots.
 *
 * @param blobs of the task
 */
export function concludeTaken(
  { creator, result }: Taken,
  blobs: readonly Pick<Blob, 'name'>[],
): Conclusion {
  if (!result.ok) {
    return { ...concludeError(result.error, blobs), creator };
  }
  const { record, failedFreeze } = result;
  const conclusion = concludeRun(record);
  if (failedFreeze === undefined) {
    return { ...conclusion, creator };
  }
  const message = `${conclusion.message} Nothing was frozen: ${failedFreeze.message}`;
  const code = conclusion.code === 1 ? warningOf(failedFreeze) : conclusion.code;
  return { ...conclusion, code, message, creator };
}

/** The warning of a task that took crash-consistent snapshots, because file systems could not be frozen. */
function warningOf({ code }: FailedFreeze): ResultCode {
  if (typeof code === 'number') {
    return code;
  }
  // A machine that has nothing to freeze needs no freeze.
  return code === 'FF_NOTHING_TO_FREEZE' ? 1 : (RESULT_OF_ERROR[code] ?? 2);
}

/** Errors of ours that have a result code of their own; every other one is code 2. */
const RESULT_OF_ERROR: Partial<Record<ErrorCode, ResultCode>> = {
  FF_SETTINGS_INVALID: 11,
  FF_DECRYPTION_FAILED: 11,
  FF_USAGE: 11,
  // Metadata that no header can carry; mistakes in our own files do not raise this error here.
  FF_CONFIG_INVALID: 11,
  FF_URL_INVALID: 11,
  FF_URL_INSECURE: 11,
  FF_SETTINGS_MISSING: 12,
  FF_ENVIRONMENT_INVALID: 12,
  FF_CERTIFICATE_MISSING: 16,
  FF_NOT_ROOT: 121,
  FF_LOCK_TIMEOUT: 121,
  FF_BTRFS_BUSY: 121,
  FF_RESIZE_RUNNING: 121,
  FF_FREEZE_FAILED: 121,
  FF_NOTHING_TO_FREEZE: 121,
  FF_GUARDIAN_LOST: 121,
  FF_LIMIT_REACHED: 121,
  FF_FLUSH_TIMEOUT: 122,
  FF_MOUNT_OPEN: 123,
  FF_MOUNT_NOT_FOUND: 123,
  FF_MOUNT_NOT_FREEZABLE: 123,
  FF_ADDON_MISSING: 124,
  FF_GUARDIAN_MISSING: 124,
  FF_STARTED_TOO_LATE: 402,
  FF_BLOBS_MISSING: 76,
  FF_HOST_UNREACHABLE: 76,
  FF_BLOB_REFUSED: 761,
  FF_BLOB_NOT_FOUND: 761,
  FF_BLOB_UNREACHABLE: 761,
  FF_BLOB_FOREIGN: 761,
  FF_METADATA_UNREACHABLE: 76,
  FF_METADATA_INVALID: 76,
  FF_IDENTITY_UNUSABLE: 76,
  FF_DISK_UNSUPPORTED: 76,
};

/** The result of a run that was not cut off by an error. */
function concludeRun(record: BackupRecord): Omit<Conclusion, 'creator'> {
  const { code, consistency, problems, diskIsConsistent } = judge(record);
  return {
    code,
    consistency,
    message: [
      ...(problems.length === 0 ? [successMessage(record)] : problems),
      ...leftOutOf(record),
      ...toleratedIn(record),
    ].join(' '),
    snapshots: record.disks.map((disk, index) => {
      const { answer } = disk;
      const isConsistent = consistency === 'crashConsistent' || diskIsConsistent[index] === true;
      const isSuccessful = answer.snapshot !== undefined && isConsistent;
      return {
        isSuccessful,
        ...urisOf(disk),
        errorMessage: isSuccessful ? '' : (answer.failure?.message ?? inconsistentMessage(record)),
        directDrive: answer.host?.directDrive,
      };
    }),
    record,
  };
}

/** Parts of the machine that the set leaves out on purpose: an operator who restores it must know them. */
function leftOutOf({ gaps }: BackupRecord): string[] {
  return gaps.filter((gap) => !isFault(gap)).map(describeGap);
}

/** What went wrong with an application although the backup went on: the only place that names the script. */
function toleratedIn({ application }: BackupRecord): string[] {
  const findings = application?.findings.filter(({ tolerated }) => tolerated) ?? [];
  return findings.map(({ message, code }) => `Tolerated: ${message} (code ${code}).`);
}

function successMessage(record: BackupRecord): string {
  const { disks, barrier, windowMs } = summarize(record);
  return `Snapshots of ${disks.length} disks show ${barrier}; file systems stood still for ${windowMs.max} ms at most.`;
}

function inconsistentMessage({ barrier }: BackupRecord): string {
  return barrier === undefined
    ? 'no snapshot was taken: some file systems could not be frozen'
    : 'the snapshot does not show the common instant';
}

/**
 * The result of a task that ended before anything was frozen.
 *
 * @param blobs of the task, as far as they are known
 */
export function concludeError(error: unknown, blobs: readonly Pick<Blob, 'name'>[]): Conclusion {
  // Managed disks are known only to the run.
  const names = error instanceof PreflightError ? error.names : blobs.map(({ name }) => name);
  return {
    code: codeOf(error),
    message: messageOf(error),
    consistency: 'none',
    snapshots: names.map((name, target) => ({
      isSuccessful: false,
      snapshotUri: undefined,
      errorMessage: errorMessageOf(error, target),
      blobUri: name,
    })),
    record: undefined,
    creator: undefined,
  };
}

function codeOf(error: unknown): ResultCode {
  if (error instanceof PreflightError) {
    return error.failures.length === error.names.length ? 76 : 761;
  }
  if (error instanceof QuiesceError) {
    return error.resultCode;
  }
  return error instanceof FlashfreezeError ? (RESULT_OF_ERROR[error.code] ?? 2) : 2;
}

/** The message of a foreign error may hold secrets, so only the log has it, redacted. */
function messageOf(error: unknown): string {
  return error instanceof FlashfreezeError
    ? error.message
    : 'Internal error of flashfreeze; see its log file for details.';
}

function errorMessageOf(error: unknown, target: number): string {
  if (!(error instanceof PreflightError)) {
    return `no snapshot was taken: ${messageOf(error)}`;
  }
  const own = error.failures.find((failed) => failed.target === target);
  return own === undefined
    ? 'no snapshot was taken, because another disk cannot be snapshotted'
    : own.failure.message;
}
