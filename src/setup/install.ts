import {
  access,
  constants,
  lstat,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import { errnoOf } from '../system/errno.ts';
import { writeWhole } from '../system/replace-file.ts';
import { type User, usersOf } from './in-use.ts';
import { commandLink, currentLink, type Places, textPaths } from './places.ts';
import { readRecord, writeRecord } from './record.ts';
import { putVersion, UNFINISHED } from './version-folder.ts';

export type Texts = Readonly<Record<keyof ReturnType<typeof textPaths>, string>>;

export interface Installed {
  /** The folder of the version that is current now. */
  readonly folder: string;
  readonly removed: readonly string[];
  /** Older versions that processes still use. */
  readonly kept: readonly { readonly folder: string; readonly users: readonly User[] }[];
  /** Files that stood there already and are not of setup; they stay as they are. */
  readonly leftAlone: readonly string[];
}

/**
 * Puts the program of a folder in place and makes it the current version. May be repeated, also after a call that was
 * interrupted. A reader of the link sees the old version or the new one, whole.
 *
 * @throws FlashfreezeError FF_SETUP_FAILED
 */
export async function install(source: string, texts: Texts, places: Places): Promise<Installed> {
  return await failClearly(places, async () => {
    const own = (await readRecord(places))?.files ?? [];
    const link = commandLink(places);
    const target = join(currentLink(places), 'flashfreeze');
    await requireFree(link, target);
    const paths = Object.entries(textPaths(places)) as [keyof Texts, string][];
    const isFree = await Promise.all(
      paths.map(async ([, path]) => own.includes(path) || !(await exists(path))),
    );
    const ours = paths.filter((_, index) => isFree[index] === true);
    await makePrefix(places.prefix);
    const name = await putVersion(source, places);
    // Before the files: what an interrupted call has made is then known to the removal.
    await writeRecord(places, { files: [link, ...ours.map(([, path]) => path)] });
    await replaceLink(currentLink(places), name);
    await replaceLink(link, target);
    for (const [kind, path] of ours) {
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      await writeWhole(path, texts[kind], { mode: 0o644 });
    }
    return {
      folder: join(places.prefix, name),
      ...(await sweep(places, name)),
      leftAlone: paths.filter((_, index) => isFree[index] === false).map(([, path]) => path),
    };
  });
}

/** The error of a read-only file system is its own; mkdir of Node.js says that a folder is missing. */
async function makePrefix(prefix: string): Promise<void> {
  await mkdir(prefix, { recursive: true, mode: 0o755 }).catch(async (error: unknown) => {
    let parent = prefix;
    while (!(await exists(parent))) {
      parent = dirname(parent);
    }
    await access(parent, constants.W_OK);
    throw error;
  });
}

/** Removes the versions that are neither current nor in use. */
async function sweep(
  { prefix }: Places,
  current: string,
): Promise<Pick<Installed, 'removed' | 'kept'>> {
  const removed: string[] = [];
  const kept: { folder: string; users: User[] }[] = [];
  const names = await readdir(prefix);
  for (const name of names.filter((it) => isVersion(it) && it !== current)) {
    const folder = join(prefix, name);
    const users = usersOf(folder);
    if (users.length > 0) {
      kept.push({ folder, users });
    } else {
      await rm(folder, { recursive: true });
      removed.push(folder);
    }
  }
  return { removed, kept };
}

/** As `putVersion` names them; other folders are not of setup. */
export const VERSION_FOLDER = /^[\w.]+-[0-9a-f]{12}$/;

/** Whether a folder below the prefix holds a version, or the beginning of one. */
export function isVersion(name: string): boolean {
  return VERSION_FOLDER.test(name) || name.startsWith(UNFINISHED);
}

async function requireFree(link: string, target: string): Promise<void> {
  const found = await readlink(link).catch((error: unknown) => errnoOf(error) ?? '');
  if (found !== 'ENOENT' && found !== 'ENOTDIR' && resolve(dirname(link), found) !== target) {
    throw new FlashfreezeError(
      'FF_SETUP_FAILED',
      `${link} is there already and is not the link of this installation; remove it, or run the setup --remove of the installation that it belongs to`,
    );
  }
}

async function replaceLink(path: string, target: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const written = `${path}.${process.pid}`;
  await rm(written, { force: true });
  await symlink(target, written);
  await rename(written, path);
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC:
    'the file system is full; the program takes 120 MB: free space, or choose another --prefix',
  EDQUOT: 'a quota is used up; the program takes 120 MB: free space, or choose another --prefix',
  EROFS: 'the file system is read-only; choose a --prefix on a writable one',
  ENOTDIR: 'expected a folder, or a path at which one can be made',
  EEXIST: 'expected a folder, or a path at which one can be made',
};

/** Turns a failed system call into a message for people. */
export async function failClearly<Result>(
  { prefix }: Places,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const errno = errnoOf(error);
    if (error instanceof FlashfreezeError || errno === undefined) {
      throw error;
    }
    const { path = prefix, syscall = '' } = error as NodeJS.ErrnoException;
    const advice = ADVICE[errno] ?? 'correct this and run setup again';
    throw new FlashfreezeError('FF_SETUP_FAILED', `${path}: ${syscall} ${errno}; ${advice}`);
  }
}
