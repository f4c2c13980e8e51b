import { join } from 'node:path';
import { thawAbandoned } from '../backup/journal/recover.ts';
import { FlashfreezeError } from '../errors.ts';
import { throwIfAborted } from '../system/abort.ts';
import { FileLock } from '../system/file-lock.ts';
import { SafeDirectory } from '../system/safe-directory.ts';

/** Work that only one process of the extension does at a time; each has its lock file in the directory. */
export type Exclusive =
  /** Deciding what an enable is to do, and recording it. */
  | 'enable'
  /** Running a task. */
  | 'run';

/**
 * Waits until no other process holds the lock of `what`. A process holds it until it ends, at the latest; so
 * a wait for the lock is also a wait for that process.
 *
 * @throws FlashfreezeError FF_EXTENSION_BUSY after `waitMs`, FF_INTERRUPTED
 */
export async function exclusively(
  directory: string,
  what: Exclusive,
  waitMs: number,
  signal?: AbortSignal,
): Promise<Disposable> {
  const path = join(directory, `${what}.lock`);
  try {
    return await FileLock.acquire({
      name: `lock of "${what}"`,
      path,
      openDirectory: SafeDirectory.ofProgram,
      waitMs,
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal !== undefined) {
      throwIfAborted(signal);
    }
    throw error instanceof FlashfreezeError && error.code === 'FF_LOCK_TIMEOUT'
      ? new FlashfreezeError(
          'FF_EXTENSION_BUSY',
          `another "${what}" of this extension has been running for more than ${waitMs / 1000} s (lock file ${path}). Wait for it to finish; \`lslocks\` shows its process.`,
        )
      : error;
  }
}

/**
 * Waits until no other task runs, and thaws what it left frozen if it died: the next task writes, and would
 * block on that.
 *
 * @param warn called with a sentence for each run that died
 * @throws as `exclusively`
 */
export async function runExclusively(
  directory: string,
  waitMs: number,
  warn: (sentence: string) => void,
  signal?: AbortSignal,
): Promise<Disposable> {
  const alone = await exclusively(directory, 'run', waitMs, signal);
  (await thawAbandoned()).forEach((sentence) => {
    warn(sentence);
  });
  return alone;
}
