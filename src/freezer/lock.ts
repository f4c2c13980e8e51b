import { FlashfreezeError, type SystemCallFailure } from '../errors.ts';
import { pause } from './clock.ts';
import { nativeError, resourceAdvice } from './freezer-errors.ts';
import { LockFile } from './lock-file.ts';
import { systemCallFailure } from './native.ts';

/** Held while freezing, so that two freezers never overlap (settings.md, Local files). */
export const FREEZE_LOCK_PATH = '/etc/azure/MicrosoftRecoverySvcsSafeFreezeLock/SafeFreezeLockFile';

/** As long as other tools wait for it (settings.md, Local files). */
export const FREEZE_LOCK_WAIT_MS = 34_000;

/**
 * The kernel tells of no event when a lock becomes free, and F_SETLKW, which waits for it, has no time limit and blocks
 * its thread. A tool that waits in F_SETLKW may get the lock before us.
 */
const ATTEMPT_AGAIN_MS = 20;

export interface FreezeLockOptions {
  readonly path?: string;
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * The exclusive POSIX record lock that keeps two freezers apart; excludes users of lockf(3) too. It
 * belongs to the process: nothing else in it may open and close the file while it is held.
 */
export class FreezeLock implements Disposable {
  readonly #file: LockFile;

  private constructor(file: LockFile) {
    this.#file = file;
  }

  /**
   * Creates the file and its directory (root's, mode 0700) where they are missing, and waits.
   * Throws `FF_LOCK_TIMEOUT` when another process holds it too long, `FF_FREEZE_FAILED` where the path
   * is not safe or cannot be opened or locked, `FF_LIMIT_REACHED`; rejects with the signal's reason when aborted.
   */
  static async acquire(options: FreezeLockOptions = {}): Promise<FreezeLock> {
    const { path = FREEZE_LOCK_PATH, waitMs = FREEZE_LOCK_WAIT_MS, signal } = options;
    signal?.throwIfAborted();
    const endMs = performance.now() + waitMs;
    for (;;) {
      const file = openLock(path);
      try {
        await waitFor(file, { path, waitMs, endMs, signal });
        if (file.isCurrent()) {
          return new FreezeLock(file);
        }
        file[Symbol.dispose]();
      } catch (error) {
        file[Symbol.dispose]();
        throw namedFailure(path, error);
      }
    }
  }

  /** May be repeated. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

interface Waiting {
  readonly path: string;
  readonly waitMs: number;
  /** `performance.now()` */
  readonly endMs: number;
  readonly signal: AbortSignal | undefined;
}

async function waitFor(file: LockFile, { path, waitMs, endMs, signal }: Waiting): Promise<void> {
  while (!file.attempt()) {
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) {
      throw timeoutError(path, waitMs, file.holder());
    }
    await pause(Math.min(ATTEMPT_AGAIN_MS, leftMs), signal);
  }
}

function openLock(path: string): LockFile {
  try {
    return LockFile.open(path);
  } catch (error) {
    throw namedFailure(path, error);
  }
}

function namedFailure(path: string, error: unknown): unknown {
  const systemCall = systemCallFailure(error);
  if (systemCall === undefined) {
    return error;
  }
  if (resourceAdvice(systemCall.errno) !== undefined) {
    return nativeError(error, 'lock');
  }
  const code = systemCall.errno === 'EDEADLK' ? 'FF_INTERNAL' : 'FF_FREEZE_FAILED';
  return new FlashfreezeError(code, unsafePathMessage(path, systemCall), { systemCall });
}

function unsafePathMessage(path: string, { errno, path: at = path }: SystemCallFailure): string {
  const cannot = `cannot use the freeze lock "${path}"`;
  switch (errno) {
    case 'ELOOP':
      return `${cannot}: "${at}" is a symbolic link; expected a directory or file of root's: remove the link`;
    case 'EACCES':
      return `${cannot}: "${at}" must belong to root and not be writable by others, the lock itself be a regular file; correct its owner and mode`;
    case 'ENOTDIR':
    case 'EISDIR':
      return `${cannot}: "${at}" is of the wrong type (${errno}); expected a file in a directory of its own: remove what is there`;
    case 'EDEADLK':
      return `${cannot}: this process holds it already`;
    default:
      return `${cannot}: "${at}": ${errno}; root must be able to create and open it`;
  }
}

function timeoutError(path: string, waitMs: number, holder: number): FlashfreezeError {
  const by = holder > 0 ? `process ${holder}` : 'another process';
  return new FlashfreezeError(
    'FF_LOCK_TIMEOUT',
    `the freeze lock "${path}" is held by ${by} and did not become free within ${waitMs} ms; another backup or recovery tool is freezing: try again later`,
    { systemCall: { errno: 'ETIMEDOUT', syscall: 'fcntl', path } },
  );
}
