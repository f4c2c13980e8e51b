import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { constants as systemConstants } from 'node:os';
import { basename, dirname } from 'node:path';
import { loadAddon } from './native.ts';
import { callFor, failedCall, type SafeDirectory } from './safe-directory.ts';

/** One of `SafeDirectory`'s. */
export type OpenDirectory = (path: string) => SafeDirectory;

/** Device and inode of the lock files that this process has open. Only the main thread takes locks. */
const heldOpen = new Set<string>();

/**
 * A file whose exclusive POSIX record lock covers the whole file, as lockf(3) locks it, so that it excludes other
 * tools that use lockf or fcntl. Such a lock belongs to the process and is released when *any* of its descriptors of
 * that file is closed. So a process may open the file only once; a second `open` fails.
 */
export class LockedFile implements Disposable {
  readonly #path: string;
  readonly #openDirectory: OpenDirectory;
  readonly #descriptor: number;
  readonly #key: string;
  #isClosed = false;

  private constructor(path: string, openDirectory: OpenDirectory, descriptor: number, key: string) {
    this.#path = path;
    this.#openDirectory = openDirectory;
    this.#descriptor = descriptor;
    this.#key = key;
    heldOpen.add(key);
  }

  /**
   * Creates the file if it is missing.
   *
   * @param openDirectory opens the directory that the file lies in
   * @throws a failed system call (`systemCallFailure`): as `SafeDirectory.open`, EACCES if it is not a regular file
   * that root owns, EDEADLK if this process has it open
   */
  static open(path: string, openDirectory: OpenDirectory): LockedFile {
    using directory = openDirectory(dirname(path));
    const name = directory.pathOf(basename(path));
    // Check before opening: closing a second descriptor would release the lock that is held on the first.
    if (heldOpen.has(keyOf(name) ?? '')) {
      throw failedCall('EDEADLK', 'fcntl', path);
    }
    const descriptor = callFor(path, () => openOrCreate(name));
    const { dev, ino, uid, mode } = fstatSync(descriptor, { bigint: true });
    const isRegular = (mode & BigInt(constants.S_IFMT)) === BigInt(constants.S_IFREG);
    if (uid !== 0n || !isRegular) {
      closeSync(descriptor);
      throw failedCall('EACCES', 'open', path);
    }
    return new LockedFile(path, openDirectory, descriptor, `${dev}:${ino}`);
  }

  /** Tries to take the lock; returns whether it is held now. Throws a failed system call. */
  attempt(): boolean {
    const errno = loadAddon().tryLock(this.#descriptor);
    const { EAGAIN, EACCES } = systemConstants.errno;
    if (errno !== 0 && errno !== EAGAIN && errno !== EACCES) {
      throw Object.assign(new Error('fcntl'), { errno, syscall: 'fcntl', path: this.#path });
    }
    return errno === 0;
  }

  /** False if a holder has removed the file: the next process then locks another file of that name. */
  isCurrent(): boolean {
    using directory = this.#openDirectory(dirname(this.#path));
    return keyOf(directory.pathOf(basename(this.#path))) === this.#key;
  }

  /** The process that holds the lock; 0 if there is none or it cannot be known. */
  holder(): number {
    return loadAddon().lockHolder(this.#descriptor);
  }

  /** Releases the lock. May be repeated. */
  [Symbol.dispose](): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      heldOpen.delete(this.#key);
      closeSync(this.#descriptor);
    }
  }
}

function openOrCreate(name: string): number {
  const { O_RDWR, O_NOFOLLOW, O_NONBLOCK, O_CREAT } = constants;
  const flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK;
  try {
    return openSync(name, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw error;
    }
  }
  // Create only if it is missing: O_CREAT blocks on a frozen file system even if the file exists, and the tool that
  // has frozen it may hold this very lock.
  return openSync(name, flags | O_CREAT, 0o600);
}

function keyOf(name: string): string | undefined {
  const found = lstatSync(name, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}
