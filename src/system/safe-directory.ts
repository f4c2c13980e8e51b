import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
} from 'node:fs';
import { constants as systemConstants } from 'node:os';
import { errnoOf, reasonOf } from './errno.ts';
import { systemCallFailure } from './native.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, S_IWGRP, S_IWOTH } = constants;
const STICKY = 0o1000;
/**
 * Configuration files of several tools lie here, some of which do not run as root. It may belong to another user, be
 * writable by others, or be a symbolic link: other backup tools use it in any case, and their lock lies below it.
 */
const SHARED_DIRECTORY = '/etc/azure';
/**
 * Logs of all programs lie here. On Ubuntu the group syslog may write to it, and owners put it on another disk by a link. It is opened as it is
 * found, and what lies below it is checked.
 */
const LOG_DIRECTORY = '/var/log';

export interface OpenOptions {
  /** Whether missing components are made. */
  readonly make?: boolean;
}

/** An open directory that only root can write to, or that need not be so; files in it are opened by name. */
export class SafeDirectory implements Disposable {
  readonly descriptor: number;

  private constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  /**
   * Opens an absolute directory path component by component, follows no symbolic link, and, unless `make` is false, creates missing
   * components with mode 0700, and /etc/azure with 0755. Only root may be able to exchange a component: each must belong to root
   * and must not be writable by others, nor by a group other than root's. Above the last one, a sticky directory such as /tmp is accepted too,
   * because others cannot rename root's entries in it. Of /etc/azure nothing is required: what lies below it is opened
   * without following links and checked, so that its owner can keep root out, but not misuse it. The same is true of /var/log.
   *
   * @throws a failed system call (`systemCallFailure`) with the component's path: ELOOP for a symbolic link, EACCES
   * for a wrong owner or mode, or else the error of the system call
   */
  static open(path: string, { make = true }: OpenOptions = {}): SafeDirectory {
    const isLog = path.startsWith(`${LOG_DIRECTORY}/`);
    const names = componentsOf(isLog ? path.slice(LOG_DIRECTORY.length) : path);
    let walked = isLog ? LOG_DIRECTORY : '';
    let opened = SafeDirectory.#at(isLog ? LOG_DIRECTORY : '/');
    try {
      for (const [position, name] of names.entries()) {
        walked += `/${name}`;
        const next = new SafeDirectory(openComponent(opened.pathOf(name), walked, make));
        opened[Symbol.dispose]();
        opened = next;
        requireSafe(opened.descriptor, walked, position === names.length - 1);
      }
      return opened;
    } catch (error) {
      opened[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Opens a directory that this program is run from, by any path and with any owner and mode: who can change the
   * directory can change the program.
   *
   * @throws as `open`
   */
  static ofProgram(path: string): SafeDirectory {
    return SafeDirectory.#at(path);
  }

  static #at(path: string): SafeDirectory {
    return new SafeDirectory(callFor(path, () => openSync(path, O_RDONLY | O_DIRECTORY)));
  }

  /** A path that looks the name up in the open directory, even after the directory was moved, as openat(2) does. */
  pathOf(name: string): string {
    return `/proc/self/fd/${this.descriptor}/${name}`;
  }

  [Symbol.dispose](): void {
    closeSync(this.descriptor);
  }
}

/** Why a directory of files that flashfreeze leaves could not be opened or written, and what to do, for messages. */
export function directoryProblem(error: unknown): string {
  const failure = systemCallFailure(error);
  if (failure === undefined || errnoOf(error) !== undefined) {
    return `${reasonOf(error)}; make the folder writable`;
  }
  const { errno, path } = failure;
  const reasons = {
    ELOOP: 'is a symbolic link',
    EACCES: 'can be changed by other users than root',
  };
  const reason = Object.entries(reasons).find(([name]) => name === errno)?.[1] ?? errno;
  return `${path} ${reason}; expected a directory that belongs to root and that only root can write to (chown root, chmod go-w), and no link`;
}

/** An error like that of a failed system call of the addon, with this path. */
export function failedCall(
  errno: keyof typeof systemConstants.errno,
  syscall: string,
  path: string,
): Error {
  return Object.assign(new Error(syscall), { errno: systemConstants.errno[errno], syscall, path });
}

/** The result of `call`; its error gets `path` in place of the path through a descriptor. */
export function callFor<Result>(path: string, call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    throw Object.assign(error as Error, { path });
  }
}

function componentsOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  if (!path.startsWith('/') || names.some((name) => name === '.' || name === '..')) {
    throw failedCall('EINVAL', 'open', path);
  }
  return names;
}

// Opened before it is created: mkdir(2) blocks on a frozen file system even if the name exists.
function openComponent(name: string, path: string, make: boolean): number {
  const follow = path === SHARED_DIRECTORY ? 0 : O_NOFOLLOW;
  const open = (): number => openSync(name, O_RDONLY | O_DIRECTORY | follow);
  return callFor(path, () => {
    try {
      return open();
    } catch (error) {
      if (!make || (error as NodeJS.ErrnoException).code !== 'ENOENT') {
        // With O_DIRECTORY the kernel answers ENOTDIR for a link.
        throw isSymbolicLink(name) ? failedCall('ELOOP', 'open', path) : error;
      }
    }
    makeDirectory(name);
    const made = open();
    if (path === SHARED_DIRECTORY) {
      fchmodSync(made, 0o755);
    }
    return made;
  });
}

function makeDirectory(name: string): void {
  try {
    mkdirSync(name, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
  }
}

function isSymbolicLink(name: string): boolean {
  return lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function requireSafe(descriptor: number, path: string, isLast: boolean): void {
  const { mode, uid, gid } = callFor(path, () => fstatSync(descriptor));
  const othersWrite = (mode & (gid === 0 ? S_IWOTH : S_IWGRP | S_IWOTH)) !== 0;
  const isSticky = (mode & STICKY) !== 0 && !isLast;
  if (path !== SHARED_DIRECTORY && (uid !== 0 || (othersWrite && !isSticky))) {
    throw failedCall('EACCES', 'open', path);
  }
}
