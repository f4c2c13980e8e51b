import { rmSync } from 'node:fs';
import { FlashfreezeError } from '../errors.ts';
import { LockedFile } from '../system/locked-file.ts';
import { systemCallFailure } from '../system/native.ts';
import { SafeDirectory } from '../system/safe-directory.ts';
import type { Places } from './places.ts';

/** Two calls of setup would remove each other's files. */
export class SetupLock implements Disposable {
  readonly #file: LockedFile;
  readonly #path: string;

  private constructor(file: LockedFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /** @throws FlashfreezeError FF_SETUP_BUSY if another call holds it, FF_SETUP_FAILED */
  static take({ lock: path }: Places): SetupLock {
    for (;;) {
      const file = openLock(path);
      if (!attempt(file, path)) {
        const holder = file.holder();
        file[Symbol.dispose]();
        throw new FlashfreezeError(
          'FF_SETUP_BUSY',
          `another setup is running${holder > 0 ? ` (process ${holder})` : ''}; wait until it has ended, then run this one again`,
        );
      }
      if (file.isCurrent()) {
        return new SetupLock(file, path);
      }
      // The holder before has removed it.
      file[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { force: true });
    this.#file[Symbol.dispose]();
  }
}

function openLock(path: string): LockedFile {
  try {
    return LockedFile.open(path, SafeDirectory.open);
  } catch (error) {
    throw failure(error, path);
  }
}

function attempt(file: LockedFile, path: string): boolean {
  try {
    return file.attempt();
  } catch (error) {
    file[Symbol.dispose]();
    throw failure(error, path);
  }
}

function failure(error: unknown, path: string): unknown {
  const call = systemCallFailure(error);
  return call === undefined
    ? error
    : new FlashfreezeError(
        'FF_SETUP_FAILED',
        `cannot use ${path}, the lock of setup (${call.errno}); expected a file of root’s, or none`,
      );
}
