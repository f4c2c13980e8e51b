import { FlashfreezeError, type SystemCallFailure } from '../errors.ts';
import { nativeError, resourceAdvice } from './freezer-errors.ts';
import { errnoName, loadAddon, type NativeLock, systemCallFailure } from './native.ts';

/** Held while freezing, so that two freezers never overlap (settings.md, Local files). */
export const FREEZE_LOCK_PATH = '/etc/azure/MicrosoftRecoverySvcsSafeFreezeLock/SafeFreezeLockFile';

/** As long as other tools wait for it (settings.md, Local files). */
export const FREEZE_LOCK_WAIT_MS = 34_000;

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
  readonly #native: NativeLock;

  private constructor(native: NativeLock) {
    this.#native = native;
  }

  /**
   * Creates the file and its directory (root's, mode 0700) where they are missing, and waits.
   * Throws `FF_LOCK_TIMEOUT` when another process holds it too long, `FF_FREEZE_FAILED` where the path
   * is not safe or cannot be opened or locked, `FF_LIMIT_REACHED`; rejects with the signal's reason when aborted.
   */
  static async acquire(options: FreezeLockOptions = {}): Promise<FreezeLock> {
    const { path = FREEZE_LOCK_PATH, waitMs = FREEZE_LOCK_WAIT_MS, signal } = options;
    signal?.throwIfAborted();
    const deadlineNs = process.hrtime.bigint() + BigInt(Math.round(waitMs * 1e6));
    const { promise, resolve } = Promise.withResolvers<{ errno: number; holder: number }>();
    const native = startWaiting(path, deadlineNs, (errno, holder) => resolve({ errno, holder }));
    const cancel = (): void => native.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    const { errno, holder } = await promise;
    signal?.removeEventListener('abort', cancel);
    if (errno === 0) {
      return new FreezeLock(native);
    }
    throw waitError({ path, waitMs, errno: errnoName(errno), holder, signal });
  }

  /** May be repeated. */
  [Symbol.dispose](): void {
    this.#native.release();
  }
}

function startWaiting(
  path: string,
  deadlineNs: bigint,
  done: (errno: number, holder: number) => void,
): NativeLock {
  try {
    return loadAddon().acquireLock(path, deadlineNs, done);
  } catch (error) {
    const systemCall = systemCallFailure(error);
    if (systemCall === undefined) {
      throw error;
    }
    if (resourceAdvice(systemCall.errno) !== undefined) {
      throw nativeError(error, 'lock');
    }
    const code = systemCall.errno === 'EDEADLK' ? 'FF_INTERNAL' : 'FF_FREEZE_FAILED';
    throw new FlashfreezeError(code, unsafePathMessage(path, systemCall), { systemCall });
  }
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

interface WaitFailure {
  readonly path: string;
  readonly waitMs: number;
  readonly errno: string;
  readonly holder: number;
  readonly signal: AbortSignal | undefined;
}

function waitError({ path, waitMs, errno, holder, signal }: WaitFailure): unknown {
  if (errno === 'ECANCELED') {
    return signal?.reason;
  }
  const systemCall = { errno, syscall: 'fcntl', path };
  if (errno !== 'ETIMEDOUT') {
    return new FlashfreezeError('FF_FREEZE_FAILED', `cannot lock "${path}": ${errno}`, {
      systemCall,
    });
  }
  const by = holder > 0 ? `process ${holder}` : 'another process';
  return new FlashfreezeError(
    'FF_LOCK_TIMEOUT',
    `the freeze lock "${path}" is held by ${by} and did not become free within ${waitMs} ms; another backup or recovery tool is freezing: try again later`,
    { systemCall },
  );
}
