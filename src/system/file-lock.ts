import { type ErrorCode, FlashfreezeError, type SystemCallFailure } from '../errors.ts';
import { pause } from './clock.ts';
import { LockedFile, type OpenDirectory } from './locked-file.ts';
import { systemCallFailure } from './native.ts';
import { nativeError, resourceAdvice } from './native-errors.ts';
import { SafeDirectory } from './safe-directory.ts';

/** The lock that a run holds while it freezes, so that two freezers never overlap (settings.md, Local files). */
export const FREEZE_LOCK_PATH = '/etc/azure/MicrosoftRecoverySvcsSafeFreezeLock/SafeFreezeLockFile';

/** The name of that lock in messages. */
export const FREEZE_LOCK_NAME = 'freeze lock';

/** Other tools wait for the lock as long as this (settings.md, Local files). */
export const FREEZE_LOCK_WAIT_MS = 34_000;

/**
 * The kernel reports no event when a lock becomes free, and F_SETLKW, which waits for the lock, has no time limit and
 * blocks its thread. So the lock is tried again after a pause of random length: with a fixed one, tools that hold the lock
 * in turn can keep this process out for long. A tool that waits in F_SETLKW may get the lock before this process.
 */
const MAX_PAUSE_MS = 10;

/** Other tools remove the file after each release; the new file is then locked. More removals than this count against the time. */
const MOST_REMOVALS = 10;

export interface FileLockOptions {
  /** The name of the lock in messages. */
  readonly name?: string;
  readonly path?: string;
  /** Opens the directory of the file. Default: `SafeDirectory.open`, which makes it if it is missing. */
  readonly openDirectory?: OpenDirectory;
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * An exclusive POSIX record lock; it also excludes users of lockf(3). The default is the freeze lock. A record lock
 * belongs to the process: no other code of the process may open and close the file while the lock is held.
 */
export class FileLock implements Disposable {
  readonly #file: LockedFile;

  private constructor(file: LockedFile) {
    this.#file = file;
  }

  /**
   * Creates the file and, by default, its directory (owned by root, mode 0700) if they are missing, and waits for the lock.
   * Throws `FF_LOCK_TIMEOUT` when another process holds it too long; `FF_FREEZE_FAILED`, or `FF_LOCK_UNUSABLE` for any
   * lock but the freeze lock, if the path is not safe or cannot be opened or locked; `FF_LIMIT_REACHED`. Rejects with
   * the signal's reason when aborted.
   */
  static async acquire(options: FileLockOptions = {}): Promise<FileLock> {
    const { name = FREEZE_LOCK_NAME, path = FREEZE_LOCK_PATH, signal } = options;
    const { waitMs = FREEZE_LOCK_WAIT_MS, openDirectory = SafeDirectory.open } = options;
    signal?.throwIfAborted();
    const endMs = performance.now() + waitMs;
    for (let removed = 0; ; removed += 1) {
      const file = openLock({ name, path }, openDirectory);
      try {
        await waitFor(file, { name, path, waitMs, endMs, signal });
        if (file.isCurrent()) {
          return new FileLock(file);
        }
        if (removed >= MOST_REMOVALS && performance.now() >= endMs) {
          throw timeoutError({ name, path, waitMs, endMs, signal }, 0);
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

/** Name and path of a lock, for messages. */
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
    await pause(Math.min(1 + Math.random() * MAX_PAUSE_MS, leftMs), signal);
  }
}

function openLock(lock: NamedLock, openDirectory: OpenDirectory): LockedFile {
  try {
    return LockedFile.open(lock.path, openDirectory);
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

/** A run cannot freeze without the freeze lock; a failure of another lock does not concern the freeze. */
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
      return `${cannot}: "${at}" is a symbolic link; expected a directory or file that root owns. Remove the link`;
    case 'EACCES':
      return `${cannot}: "${at}" must belong to root and must not be writable by others, and the lock must be a regular file. Correct owner, mode or type`;
    case 'ENOTDIR':
    case 'EISDIR':
      return `${cannot}: "${at}" has the wrong type (${errno}); expected a regular file in a directory. Remove the existing entry`;
    case 'EDEADLK':
      return `${cannot}: this process already holds it`;
    default:
      return `${cannot}: "${at}": ${errno}. Make sure that root can create and open it`;
  }
}

function timeoutError({ name, path, waitMs }: Waiting, holder: number): FlashfreezeError {
  const by = holder > 0 ? `process ${holder}` : 'another process';
  const advice =
    name === FREEZE_LOCK_NAME
      ? 'another backup or recovery tool is freezing. Try again later'
      : 'find its process with `lslocks`';
  return new FlashfreezeError(
    'FF_LOCK_TIMEOUT',
    `the ${name} "${path}" is held by ${by} and was not released within ${waitMs} ms; ${advice}`,
    { systemCall: { errno: 'ETIMEDOUT', syscall: 'fcntl', path } },
  );
}
