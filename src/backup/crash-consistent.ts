import { type ErrorCode, FlashfreezeError } from '../errors.ts';
import { judge } from './outcome.ts';
import type { BackupRecord } from './record.ts';
import type { BackupRequest, RunObserver } from './request.ts';
import { backup } from './run.ts';

/** Errors that say that nothing could be frozen. */
const FREEZE_ERRORS: ReadonlySet<ErrorCode> = new Set([
  'FF_LOCK_TIMEOUT',
  'FF_FOREIGN_FREEZE',
  'FF_FREEZE_FAILED',
  'FF_FREEZE_TIMEOUT',
  'FF_FREEZE_UNSUPPORTED',
  'FF_GUARDIAN_LOST',
  'FF_GUARDIAN_MISSING',
  'FF_MOUNT_NOT_FREEZABLE',
  'FF_MOUNT_OPEN',
  'FF_NOTHING_TO_FREEZE',
]);

/** A run, and why it was one without freeze, where it was. */
export interface RunOrFallback {
  readonly record: BackupRecord;
  /** For people; undefined where the run itself counts. */
  readonly failedFreeze: string | undefined;
}

/**
 * A run; where nothing could be frozen and it is permitted, a second one that freezes nothing
 * (settings.md, Crash-consistent fallback). Its result is judged as crash-consistent.
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
  const { failedFreeze } = tried;
  observer.warn(`${failedFreeze} The snapshot is taken without freeze, crash-consistent.`);
  const { quiesce: _, ...rest } = request;
  const record = await backup({ ...rest, freeze: false }, observer, abort);
  return { record, failedFreeze };
}

type Tried =
  | { readonly record: BackupRecord; readonly failedFreeze: undefined }
  | { readonly failedFreeze: string };

async function tryToFreeze(
  request: BackupRequest,
  observer: RunObserver,
  abort: AbortSignal,
  isPermitted: boolean,
): Promise<Tried> {
  try {
    const record = await backup(request, observer, abort);
    return isPermitted && hasFailedToFreeze(record)
      ? { failedFreeze: judge(record).problems.join(' ') }
      : { record, failedFreeze: undefined };
  } catch (error) {
    if (isPermitted && error instanceof FlashfreezeError && FREEZE_ERRORS.has(error.code)) {
      return { failedFreeze: error.message };
    }
    throw error;
  }
}

/** It ended, whatever the reason, before everything was frozen; but for somebody who wanted it ended. */
export function hasFailedToFreeze({ barrier, end }: BackupRecord): boolean {
  return barrier === undefined && end.kind !== 'signal';
}
