import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import { errnoOf } from '../system/errno.ts';
import { usersOf } from './in-use.ts';
import { failClearly, isVersion } from './install.ts';
import { currentLink, type Places, recordPath } from './places.ts';
import { readRecord } from './record.ts';

/**
 * Removes what setup has made, and nothing else; the prefix only if nothing else is in it.
 *
 * @returns what was removed; empty if nothing was installed
 * @throws FlashfreezeError FF_SETUP_BUSY while a process uses an installed version, FF_SETUP_FAILED
 */
export async function uninstall(places: Places): Promise<string[]> {
  return await failClearly(places, async () => {
    const record = await readRecord(places);
    const folders = await ownFolders(places);
    requireUnused(folders);
    const removed: string[] = [];
    for (const path of [...(record?.files ?? []), currentLink(places), ...folders]) {
      if ((await lstat(path).catch(() => undefined)) !== undefined) {
        await rm(path, { recursive: true });
        removed.push(path);
      }
    }
    // Last: an interrupted removal can be repeated.
    await rm(recordPath(places), { force: true });
    await rmdir(places.prefix).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'ENOENT') {
        throw error;
      }
    });
    return removed;
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
