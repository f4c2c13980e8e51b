import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import { errnoOf } from '../system/errno.ts';
import { removeExample } from './example.ts';
import { failClearly } from './failure.ts';
import { usersOf } from './in-use.ts';
import { isVersion } from './install.ts';
import { currentLink, type Places, recordPath } from './places.ts';
import { readRecord } from './record.ts';
import { pauseTimer, removeTimer, resumeTimer, SCHEDULERS, type Schedulers } from './timer.ts';

/**
 * Removes what setup has made, and nothing else; the prefix only if nothing else is in it.
 *
 * @returns what was removed; empty if nothing was installed
 * @throws FlashfreezeError FF_SETUP_BUSY while a process uses an installed version, FF_SETUP_FAILED
 */
export async function uninstall(
  places: Places,
  schedulers: Schedulers = SCHEDULERS,
): Promise<string[]> {
  return await failClearly(places, async () => {
    const record = await readRecord(places);
    const folders = await ownFolders(places);
    await pauseTimer(record?.timer, schedulers);
    try {
      requireUnused(folders);
    } catch (error) {
      await resumeTimer(record?.timer, schedulers);
      throw error;
    }
    const removed = [
      ...(record?.timer === undefined ? [] : await removeTimer(record.timer, places, schedulers)),
      ...(await removeExample(places, record?.example)),
      ...(await removeAll([...(record?.files ?? []), currentLink(places), ...folders])),
    ];
    // After the rest: an interrupted removal can be repeated.
    await rm(recordPath(places), { force: true });
    for (const folder of [places.prefix, ...(record?.folders ?? []).toSorted(deepestFirst)]) {
      await removeEmpty(folder);
    }
    return removed;
  });
}

async function removeAll(paths: readonly string[]): Promise<string[]> {
  const removed: string[] = [];
  for (const path of paths) {
    if ((await lstat(path).catch(() => undefined)) !== undefined) {
      await rm(path, { recursive: true });
      removed.push(path);
    }
  }
  return removed;
}

function deepestFirst(a: string, b: string): number {
  return b.length - a.length;
}

/** What others have put into a folder meanwhile keeps it. */
async function removeEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'ENOENT') {
      throw error;
    }
  });
}

async function ownFolders({ prefix }: Places): Promise<string[]> {
  const names = await readdir(prefix).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') {
      return [];
    }
    throw error;
  });
  return names.filter(isVersion).map((name) => join(prefix, name));
}

function requireUnused(folders: readonly string[]): void {
  const [first] = folders.flatMap(usersOf);
  if (first !== undefined) {
    throw new FlashfreezeError(
      'FF_SETUP_BUSY',
      `process ${first.pid} (${first.command}) runs from this installation; wait until it has ended, then run setup --remove again`,
    );
  }
}
