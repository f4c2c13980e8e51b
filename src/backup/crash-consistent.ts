import { type ErrorCode, FlashfreezeError } from '../errors.ts';
import type { ResultCode } from '../result-codes.ts';
import { hasFailedToFreeze } from './failed-freeze.ts';
import { judge } from './outcome.ts';
import type { BackupRecord } from './record.ts';
import type { BackupRequest, RunObserver } from './request.ts';
import { backup } from './run.ts';

/** Errors of a run that could not freeze its file systems. */
const FREEZE_ERRORS: ReadonlySet<ErrorCode> = new Set([
  'FF_BTRFS_BUSY',
  'FF_RESIZE_RUNNING',
  'FF_LOCK_TIMEOUT',
  'FF_FREEZE_FAILED',
  'FF_FLUSH_TIMEOUT',
  'FF_GUARDIAN_LOST',
  'FF_GUARDIAN_MISSING',
  'FF_LIMIT_REACHED',
  'FF_LOCK_UNUSABLE',
  'FF_MOUNT_NOT_FREEZABLE',
  'FF_MOUNT_OPEN',
]);

/** The record of a run, and why the run was one without a freeze. */
export interface RunOrFallback {
  readonly record: BackupRecord;
  /** Undefined if the first run counts. */
  readonly failedFreeze: FailedFreeze | undefined;
}

/** Why the file systems could not be frozen: the error that ended the run before the freeze, or the result of the freeze. */
export interface FailedFreeze {
  /** A sentence. */
  readonly message: string;
  readonly code: ErrorCode | ResultCode;
}

/**
 * Starts a run; if it could not freeze and the fallback is permitted, starts a second one without a freeze
 * (settings.md, Crash-consistent fallback), whose result is crash-consistent. A machine that has nothing to freeze
 * needs no permission: the second run quiesces its applications and takes the snapshots without a freeze.
 *
 * @throws FlashfreezeError as `backup` does
 */
export async function backupOrCrashConsistent(
  request: BackupRequest,
  observer: RunObserver,
  abort: AbortSignal,
  isPermitted: boolean,
): Promise<RunOrFallback> {
  const tried = await tryToFreeze(request, observer, abort, isPermitted && request.freeze);
  if (tried.failedFreeze === undefined) {
    return tried;
  }
  const { failedFreeze, wasThereNothing } = tried;
  observer.warn(`${failedFreeze.message} Taking a crash-consistent snapshot without a freeze.`);
  const { quiesce, ...rest } = request;
  const again = { ...rest, freeze: false, quiesce: wasThereNothing ? quiesce : undefined };
  const record = await backup(again, observer, abort);
  return { record, failedFreeze };
}

type Tried =
  | { readonly record: BackupRecord; readonly failedFreeze: undefined }
  | {
      readonly failedFreeze: FailedFreeze;
      /** The machine had nothing to freeze; its applications have not been quiesced yet. */
      readonly wasThereNothing: boolean;
    };

async function tryToFreeze(
  request: BackupRequest,
  observer: RunObserver,
  abort: AbortSignal,
  isPermitted: boolean,
): Promise<Tried> {
  try {
    const record = await backup(isPermitted ? leftToFallback(request) : request, observer, abort);
    if (!isPermitted || !hasFailedToFreeze(record)) {
      return { record, failedFreeze: undefined };
    }
    const { problems, code } = judge(record);
    return { failedFreeze: { message: problems.join(' '), code }, wasThereNothing: false };
  } catch (error) {
    if (!(error instanceof FlashfreezeError)) {
      throw error;
    }
    const wasThereNothing = error.code === 'FF_NOTHING_TO_FREEZE';
    if (wasThereNothing || (isPermitted && FREEZE_ERRORS.has(error.code))) {
      return { failedFreeze: { message: error.message, code: error.code }, wasThereNothing };
    }
    throw error;
  }
}

/** Two manifests of one restore point would contradict each other. */
function leftToFallback(request: BackupRequest): BackupRequest {
  const { manifest } = request;
  return manifest === undefined
    ? request
    : { ...request, manifest: { ...manifest, isLeftToFallback: true } };
}
