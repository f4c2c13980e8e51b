import { type ErrorCode, FlashfreezeError, type SystemCallFailure } from '../errors.ts';
import { pause } from './clock.ts';
import { LockedFile } from './locked-file.ts';
import { systemCallFailure } from './native.ts';
import { nativeError, resourceAdvice } from './native-errors.ts';

/** Held while freezing, so that two freezers never overlap (settings.md, Local files). */
export const FREEZE_LOCK_PATH = '/etc/azure/MicrosoftRecoverySvcsSafeFreezeLock/SafeFreezeLockFile';

/** What messages call it. */
export const FREEZE_LOCK_NAME = 'freeze lock';

/** As long as other tools wait for it (settings.md, Local files). */
export const FREEZE_LOCK_WAIT_MS = 34_000;

/**
 * The kernel tells of no event when a lock becomes free, and F_SETLKW, which waits for it, has no time limit and blocks
 * its thread. A tool that waits in F_SETLKW may get the lock before us.
 */
const ATTEMPT_AGAIN_MS = 20;

export interface FileLockOptions {
  /** What the lock is called in messages. */
  readonly name?: string;
  readonly path?: string;
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * An exclusive POSIX record lock; excludes users of lockf(3) too. By default the one that keeps two freezers apart. It
 * belongs to the process: nothing else in it may open and close the file while it is held.
 */
export class FileLock implements Disposable {
  readonly #file: LockedFile;

  private constructor(file: LockedFile) {
    this.#file = file;
  }

  /**
   * Creates the file and its directory (root's, mode 0700) where they are missing, and waits.
   * Throws `FF_LOCK_TIMEOUT` when another process holds it too long; `FF_FREEZE_FAILED`, or `FF_LOCK_UNUSABLE` for another
   * lock than the freeze lock, if the path is not safe or cannot be opened or locked; `FF_LIMIT_REACHED`; rejects with the signal's reason when aborted.
   */
  static async acquire(options: FileLockOptions = {}): Promise<FileLock> {
    const { name = FREEZE_LOCK_NAME, path = FREEZE_LOCK_PATH, signal } = options;
    const { waitMs = FREEZE_LOCK_WAIT_MS } = options;
    signal?.throwIfAborted();
    const endMs = performance.now() + waitMs;
    for (;;) {
      const file = openLock({ name, path });
      try {
        await waitFor(file, { name, path, waitMs, endMs, signal });
        if (file.isCurrent()) {
          return new FileLock(file);
        }
        file[Symbol.dispose]();
      } catch (error) {
        file[Symbol.dispose]();
        throw namedFailure({ name, path }, error);
      }
    }
  }

  /** May be repeated. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

/** What messages say of a lock. */
interface NamedLock {
  readonly name: string;
  readonly path: string;
}

interface Waiting extends NamedLock {
  readonly waitMs: number;
  /** `performance.now()` */
  readonly endMs: number;
  readonly signal: AbortSignal | undefined;
}

async function waitFor(file: LockedFile, waiting: Waiting): Promise<void> {
  const { endMs, signal } = waiting;
  while (!file.attempt()) {
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) {
      throw timeoutError(waiting, file.holder());
    }
    await pause(Math.min(ATTEMPT_AGAIN_MS, leftMs), signal);
  }
}

function openLock(lock: NamedLock): LockedFile {
  try {
    return LockedFile.open(lock.path);
  } catch (error) {
    throw namedFailure(lock, error);
  }
}

function namedFailure(lock: NamedLock, error: unknown): unknown {
  const systemCall = systemCallFailure(error);
  if (systemCall === undefined) {
    return error;
  }
  if (resourceAdvice(systemCall.errno) !== undefined) {
    return nativeError(error, 'lock');
  }
  const code = systemCall.errno === 'EDEADLK' ? 'FF_INTERNAL' : unusableCode(lock);
  return new FlashfreezeError(code, unsafePathMessage(lock, systemCall), { systemCall });
}

/** Nothing can be frozen without the freeze lock; trouble with another lock says nothing of a freeze. */
function unusableCode({ name }: NamedLock): ErrorCode {
  return name === FREEZE_LOCK_NAME ? 'FF_FREEZE_FAILED' : 'FF_LOCK_UNUSABLE';
}

function unsafePathMessage(
  { name, path }: NamedLock,
  { errno, path: at = path }: SystemCallFailure,
): string {
  const cannot = `cannot use the ${name} "${path}"`;
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

function timeoutError({ name, path, waitMs }: Waiting, holder: number): FlashfreezeError {
  const by = holder > 0 ? `process ${holder}` : 'another process';
  const advice =
    name === FREEZE_LOCK_NAME
      ? 'another backup or recovery tool is freezing: try again later'
      : '`lslocks` shows its process';
  return new FlashfreezeError(
    'FF_LOCK_TIMEOUT',
    `the ${name} "${path}" is held by ${by} and did not become free within ${waitMs} ms; ${advice}`,
    { systemCall: { errno: 'ETIMEDOUT', syscall: 'fcntl', path } },
  );
}
