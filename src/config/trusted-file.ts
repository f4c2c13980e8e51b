import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  type Stats,
  statSync,
} from 'node:fs';
import { errnoOf } from '../system/errno.ts';

/** Linux gives up after this number of symbolic links (path_resolution(7)). */
const MAX_LINKS = 40;
const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** Why a file is not used. */
export interface TrustFault {
  readonly ok: false;
  /** `missing`: the path is not absolute, or leads to no regular file; `untrusted`: another user than root could change it. */
  readonly kind: 'missing' | 'untrusted';
  /** A sentence for people with the path, the problem and the remedy. */
  readonly message: string;
}

/** A regular file that only root can change, opened for reading. */
export interface TrustedFile extends Disposable {
  readonly ok: true;
  /** The path as it was given. */
  readonly path: string;
  readonly descriptor: number;
  /** The directory that holds the file, after symbolic links were followed. */
  readonly directory: string;
  /** The permission bits; those of root's own group are missing, because its members count as root. */
  readonly modeOfOthers: number;
}

/**
 * Opens a file and checks exactly the file that it opened: each directory on the path is opened from the one before
 * it and checked through its descriptor, so that nothing can be replaced between the check and the use. Every
 * directory and the file itself must belong to root; directories must not be writable by other users, not even with the
 * sticky bit. The owner of a symbolic link does not matter: to change it takes write access to its directory.
 *
 * @param path absolute
 * @param forbiddenMode bits that the file's mode must not have, e.g. 0o077
 */
export function openTrustedFile(path: string, forbiddenMode: number): TrustedFile | TrustFault {
  if (!path.startsWith('/')) {
    return missing(path, 'is not an absolute path');
  }
  const walk = new Walk(path);
  try {
    const descriptor = walk.openFile();
    const stats = fstatSync(descriptor);
    const reason = reasonAgainstFile(stats, forbiddenMode);
    if (reason !== undefined) {
      closeSync(descriptor);
      return untrusted(path, reason);
    }
    const directory = walk.directory;
    return {
      ok: true,
      path,
      descriptor,
      directory,
      modeOfOthers: stats.mode & (stats.gid === 0 ? 0o007 : 0o077),
      [Symbol.dispose]: () => closeSync(descriptor),
    };
  } catch (error) {
    return faultOf(path, error);
  } finally {
    walk.close();
  }
}

/** Reads a trusted file as text. */
export function readTrustedFile(
  path: string,
  forbiddenMode: number,
): { readonly ok: true; readonly text: string } | TrustFault {
  const file = openTrustedFile(path, forbiddenMode);
  if (!file.ok) {
    return file;
  }
  using opened = file;
  return { ok: true, text: readFileSync(opened.descriptor, 'utf8') };
}

/** A part of the path that other users than root control. */
class Untrusted extends Error {}

/** Walks from `/` to a file and opens one directory after the other. */
class Walk {
  /** The opened directories, from `/` to the current one. */
  readonly #opened: { readonly descriptor: number; readonly name: string }[] = [];
  readonly #pending: string[];
  #links = 0;

  constructor(path: string) {
    this.#pending = path.split('/');
  }

  /** The path of the current directory. */
  get directory(): string {
    return `/${this.#opened
      .slice(1)
      .map(({ name }) => name)
      .join('/')}`;
  }

  /** @throws an `Untrusted`, or the system's error */
  openFile(): number {
    this.#enter('/', '');
    for (let name = this.#next(); name !== undefined; name = this.#next()) {
      const at = `/proc/self/fd/${this.#opened.at(-1)?.descriptor}/${name}`;
      const stats = lstatSync(at);
      if (stats.isSymbolicLink()) {
        this.#follow(at);
      } else if (this.#pending.length > 0) {
        this.#enter(at, name);
      } else {
        return openSync(at, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      }
    }
    throw new Untrusted('is a directory, not a file');
  }

  close(): void {
    for (const { descriptor } of this.#opened.splice(0)) {
      closeSync(descriptor);
    }
  }

  #next(): string | undefined {
    for (let name = this.#pending.shift(); name !== undefined; name = this.#pending.shift()) {
      if (name === '..' && this.#opened.length > 1) {
        closeSync(this.#opened.pop()?.descriptor ?? -1);
      } else if (name !== '' && name !== '.' && name !== '..') {
        return name;
      }
    }
    return undefined;
  }

  #enter(at: string, name: string): void {
    const descriptor = openSync(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
    this.#opened.push({ descriptor, name });
    const reason = reasonAgainstDirectory(fstatSync(descriptor));
    if (reason !== undefined) {
      throw new Untrusted(`lies below ${this.directory}, which ${reason}`);
    }
  }

  #follow(at: string): void {
    this.#links += 1;
    if (this.#links > MAX_LINKS) {
      throw new Untrusted('is reached through too many symbolic links');
    }
    const target = readlinkSync(at);
    if (target.startsWith('/')) {
      for (const { descriptor } of this.#opened.splice(1)) {
        closeSync(descriptor);
      }
    }
    this.#pending.unshift(...target.split('/'));
  }
}

/** The group with number 0 may write: its members count as root. */
function reasonAgainstDirectory({ uid, gid, mode }: Stats): string | undefined {
  if (uid !== 0) {
    return `belongs to uid ${uid}; it must belong to root`;
  }
  const groupWrites = (mode & 0o020) !== 0 && gid !== 0;
  return groupWrites || (mode & 0o002) !== 0
    ? `is writable by others (mode ${octal(mode)}); run chmod go-w on it`
    : undefined;
}

function reasonAgainstFile(stats: Stats, forbiddenMode: number): string | undefined {
  if (!stats.isFile()) {
    return 'is not a regular file';
  }
  if (stats.uid !== 0) {
    return `belongs to uid ${stats.uid}; it must belong to root (chown root)`;
  }
  return (stats.mode & forbiddenMode) === 0
    ? undefined
    : `has mode ${octal(stats.mode)}; run chmod ${octal(stats.mode & ~forbiddenMode)} on it`;
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

/** A path at which no regular file is has no file that another user could change, whatever its directories are. */
function untrusted(path: string, reason: string): TrustFault {
  const absence = absenceAt(path);
  return absence === undefined
    ? { ok: false, kind: 'untrusted', message: `${path} ${reason}` }
    : missing(path, absence);
}

function missing(path: string, reason: string): TrustFault {
  return { ok: false, kind: 'missing', message: `${path} ${reason}` };
}

/** Why no regular file is at the path, as the end of a sentence; undefined if one is. */
function absenceAt(path: string): string | undefined {
  try {
    return statSync(path).isFile() ? undefined : 'is not a regular file';
  } catch (error) {
    return errnoOf(error) === 'ELOOP'
      ? 'is reached through too many symbolic links'
      : 'does not exist';
  }
}

function faultOf(path: string, error: unknown): TrustFault {
  if (error instanceof Untrusted) {
    return untrusted(path, error.message);
  }
  const code = errnoOf(error);
  if (code === undefined) {
    throw error;
  }
  return untrusted(path, `cannot be opened (${code})`);
}
