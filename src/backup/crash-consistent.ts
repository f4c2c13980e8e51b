import { type ErrorCode, FlashfreezeError } from '../errors.ts';
import { judge } from './outcome.ts';
import type { BackupRecord } from './record.ts';
import type { BackupRequest, RunObserver } from './request.ts';
import { backup } from './run.ts';

/** Errors that say that nothing could be frozen, though something was to be. */
const FREEZE_ERRORS: ReadonlySet<ErrorCode> = new Set([
  'FF_BTRFS_BUSY',
  'FF_LOCK_TIMEOUT',
  'FF_FOREIGN_FREEZE',
  'FF_FREEZE_FAILED',
  'FF_FREEZE_TIMEOUT',
  'FF_FREEZE_UNSUPPORTED',
  'FF_GUARDIAN_LOST',
  'FF_GUARDIAN_MISSING',
  'FF_LIMIT_REACHED',
  'FF_MOUNT_NOT_FREEZABLE',
  'FF_MOUNT_OPEN',
]);

/** A run, and why it was one without freeze, where it was. */
export interface RunOrFallback {
  readonly record: BackupRecord;
  /** For people; undefined where the run itself counts. */
  readonly failedFreeze: string | undefined;
}

/**
 * A run; if nothing could be frozen and it is permitted, a second one that freezes nothing
 * (settings.md, Crash-consistent fallback). Its result is judged as crash-consistent. A machine on which there is
 * nothing to freeze needs no permission: its applications are quiesced, and its disks snapshotted as they are.
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
  observer.warn(`${failedFreeze} The snapshot is taken without freeze, crash-consistent.`);
  const { quiesce, ...rest } = request;
  const again = { ...rest, freeze: false, quiesce: wasThereNothing ? quiesce : undefined };
  const record = await backup(again, observer, abort);
  return { record, failedFreeze };
}

type Tried =
  | { readonly record: BackupRecord; readonly failedFreeze: undefined }
  | {
      readonly failedFreeze: string;
      /** The applications have not been asked for anything yet. */
      readonly wasThereNothing: boolean;
    };

async function tryToFreeze(
  request: BackupRequest,
  observer: RunObserver,
  abort: AbortSignal,
  isPermitted: boolean,
): Promise<Tried> {
  try {
    const record = await backup(request, observer, abort);
    return isPermitted && hasFailedToFreeze(record)
      ? { failedFreeze: judge(record).problems.join(' '), wasThereNothing: false }
      : { record, failedFreeze: undefined };
  } catch (error) {
    if (!(error instanceof FlashfreezeError)) {
      throw error;
    }
    const wasThereNothing = error.code === 'FF_NOTHING_TO_FREEZE';
    if (wasThereNothing || (isPermitted && FREEZE_ERRORS.has(error.code))) {
      return { failedFreeze: error.message, wasThereNothing };
    }
    throw error;
  }
}

/** It ended, whatever the reason, before everything was frozen; but for somebody who wanted it ended. */
export function hasFailedToFreeze({ barrier, end }: BackupRecord): boolean {
  return barrier === undefined && end.kind !== 'signal';
}
