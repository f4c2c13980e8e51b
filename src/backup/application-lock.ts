import { join } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import { throwIfAborted } from '../system/abort.ts';
import { FileLock } from '../system/file-lock.ts';
import { JOURNAL_DIRECTORY } from './journal/journal.ts';

/** In memory, as the journal is. One lock for the machine: every kind of run quiesces its applications. */
export const APPLICATION_LOCK_PATH = join(JOURNAL_DIRECTORY, 'application.lock');

const APPLICATION_LOCK = { name: 'application lock', path: APPLICATION_LOCK_PATH } as const;

/**
 * Pre- and post-scripts may take half an hour each (app-consistency.md), and a run ends with them. A run that takes
 * longer is stopped or stuck.
 */
const WAIT_LIMIT_MS = 65 * 60_000;

/**
 * The lock that a run holds from before it quiesces an application until it has released the application, so that no
 * run's pre-scripts start between another run's thaw and the end of its post-scripts. It is not the freeze lock: other
 * tools share that one, and they need not wait for this machine's scripts. Lock order: this lock before the freeze lock.
 *
 * @returns undefined if another run holds it
 * @throws FlashfreezeError FF_LOCK_UNUSABLE if the directory is not safe, FF_ADDON_MISSING
 */
export async function lockApplications(): Promise<Disposable | undefined> {
  try {
    return await FileLock.acquire({ ...APPLICATION_LOCK, waitMs: 0 });
  } catch (error) {
    if (isHeld(error)) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Takes the application lock as soon as the other run has released it or has died.
 *
 * @throws FlashfreezeError FF_LOCK_TIMEOUT, FF_INTERRUPTED, FF_LOCK_UNUSABLE
 */
export async function waitForApplications(abort: AbortSignal): Promise<Disposable> {
  try {
    return await FileLock.acquire({
      ...APPLICATION_LOCK,
      waitMs: WAIT_LIMIT_MS,
      signal: abort,
    });
  } catch (error) {
    throwIfAborted(abort);
    throw isHeld(error) ? timeoutError() : error;
  }
}

function isHeld(error: unknown): boolean {
  return error instanceof FlashfreezeError && error.code === 'FF_LOCK_TIMEOUT';
}

function timeoutError(): FlashfreezeError {
  return new FlashfreezeError(
    'FF_LOCK_TIMEOUT',
    `another run has held the application lock ${APPLICATION_LOCK_PATH} for more than ${WAIT_LIMIT_MS / 60_000} minutes; nothing was frozen. Find its process with \`lslocks\`, end it, and try again.`,
  );
}
