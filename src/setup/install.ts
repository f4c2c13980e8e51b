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
import type { LinkedProcess } from '../system/process-links.ts';
import { writeWhole } from '../system/replace-file.ts';
import { digestOf, exampleState, putExample } from './example.ts';
import { failClearly } from './failure.ts';
import { usersOf } from './in-use.ts';
import { commandLink, currentLink, type Places, textPaths } from './places.ts';
import { readRecord, type SetupRecord, type SetupTimer, writeRecord } from './record.ts';
import { filesOf, putTimer, removeTimer, SCHEDULERS, type Schedulers } from './timer.ts';
import { putVersion, UNFINISHED } from './version-folder.ts';

export type Texts = Readonly<Record<keyof ReturnType<typeof textPaths>, string>>;

export interface Installed {
  /** The folder of the version that is current now. */
  readonly folder: string;
  readonly removed: readonly string[];
  /** Older versions that processes still use. */
  readonly kept: readonly { readonly folder: string; readonly users: readonly LinkedProcess[] }[];
  /** Files that stood there already and are not of setup; they stay as they are. */
  readonly leftAlone: readonly string[];
  /** Undefined if there is none. */
  readonly timer: SetupTimer | undefined;
  /** Whether the configuration of the timer is another than setup has put there. */
  readonly isExampleChanged: boolean;
}

/** What is to be there after the call. */
export interface Wishes {
  readonly texts: Texts;
  /** The configuration that the timer runs with. */
  readonly example: string;
  /** Undefined: the timer stays as it is, but gets the texts of this version; `off`: it is removed. */
  readonly timer?: SetupTimer | 'off' | undefined;
}

/**
 * Puts the program of a folder in place and makes it the current version. May be repeated, also after a call that was
 * interrupted. A reader of the link sees the old version or the new one, whole.
 *
 * @throws FlashfreezeError FF_SETUP_FAILED
 */
export async function install(
  source: string,
  { texts, example, timer }: Wishes,
  places: Places,
  schedulers: Schedulers = SCHEDULERS,
): Promise<Installed> {
  return await failClearly(places, async () => {
    const before = await readRecord(places);
    const { ours, leftAlone } = await filesToPut(places, before?.files ?? []);
    const target = join(currentLink(places), 'flashfreeze');
    await requireFree(places, target);
    await requireFreeTimer(timer, before, places);
    const wanted = timer === 'off' ? undefined : (timer ?? before?.timer);
    const links = places.isPackaged ? [] : [commandLink(places)];
    const files = [...links, ...ours.map(([, path]) => path)];
    const ofTimer = wanted === undefined ? [] : filesOf(wanted, places);
    const folders = await missingFolders([places.prefix, ...files, ...ofTimer]);
    await makePrefix(places.prefix);
    const name = await putVersion(source, places);
    const isExampleOurs = (await exampleState(places, before?.example)) !== 'changed';
    const record: SetupRecord = {
      files,
      folders: [...new Set([...(before?.folders ?? []), ...folders])],
      timer: wanted ?? before?.timer,
      example: isExampleOurs ? digestOf(example) : before?.example,
    };
    // Before the files: what an interrupted call has made is then known to the removal.
    await writeRecord(places, record);
    await replaceLink(currentLink(places), name);
    for (const path of links) {
      await replaceLink(path, target);
    }
    await putTexts(ours, texts);
    await removeFormer(before?.files ?? [], record.files);
    await putExample(example, places, before?.example);
    await settleTimer(before?.timer, wanted, places, schedulers);
    await writeRecord(places, { ...record, timer: wanted });
    return {
      folder: join(places.prefix, name),
      ...(await sweep(places, name)),
      ...{ leftAlone, timer: wanted, isExampleChanged: !isExampleOurs },
    };
  });
}

/** The folders that files need and that are not there yet. */
async function missingFolders(files: readonly string[]): Promise<string[]> {
  const folders: string[] = [];
  for (const file of files) {
    for (let folder = dirname(file); !(await exists(folder)); folder = dirname(folder)) {
      folders.push(folder);
    }
  }
  return folders;
}

type TextFile = readonly [kind: keyof Texts, path: string];

/** A package brings its own. */
async function filesToPut(
  places: Places,
  own: readonly string[],
): Promise<{ readonly ours: readonly TextFile[]; readonly leftAlone: readonly string[] }> {
  if (places.isPackaged) {
    return { ours: [], leftAlone: [] };
  }
  const paths = Object.entries(textPaths(places)) as [keyof Texts, string][];
  const isFree = await Promise.all(
    paths.map(async ([, path]) => own.includes(path) || !(await exists(path))),
  );
  return {
    ours: paths.filter((_, index) => isFree[index] === true),
    leftAlone: paths.filter((_, index) => isFree[index] === false).map(([, path]) => path),
  };
}

async function putTexts(files: readonly TextFile[], texts: Texts): Promise<void> {
  for (const [kind, path] of files) {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeWhole(path, texts[kind], { mode: 0o644 });
  }
}

/** What an archive has made before a package took its place. */
async function removeFormer(before: readonly string[], now: readonly string[]): Promise<void> {
  for (const path of before.filter((it) => !now.includes(it))) {
    await rm(path, { force: true });
  }
}

async function requireFreeTimer(
  timer: Wishes['timer'],
  before: SetupRecord | undefined,
  places: Places,
): Promise<void> {
  if (timer === undefined || timer === 'off') {
    return;
  }
  const own = before?.timer === undefined ? [] : filesOf(before.timer, places);
  for (const path of filesOf(timer, places).filter((it) => !own.includes(it))) {
    if (await exists(path)) {
      throw new FlashfreezeError(
        'FF_SETUP_FAILED',
        `${path} is there already and is not of setup; remove it, or keep it and do without --timer`,
      );
    }
  }
}

async function settleTimer(
  before: SetupTimer | undefined,
  wanted: SetupTimer | undefined,
  places: Places,
  schedulers: Schedulers,
): Promise<void> {
  if (before !== undefined && before.by !== wanted?.by) {
    await removeTimer(before, places, schedulers);
  }
  if (wanted !== undefined) {
    await putTimer(wanted, places, schedulers, wanted === before);
  }
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
  const kept: { folder: string; users: LinkedProcess[] }[] = [];
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

async function requireFree(places: Places, target: string): Promise<void> {
  const link = commandLink(places);
  const found = await readlink(link).catch((error: unknown) => errnoOf(error) ?? '');
  if (places.isPackaged) {
    return;
  }
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
