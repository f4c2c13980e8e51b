import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FREEZE_ORDER_PATH } from '../backup/freeze-order-file.ts';
import { JOURNAL_DIRECTORY } from '../backup/journal/journal.ts';
import { RUN_FOLDER, runFolderProblem } from '../report/run-folder.ts';
import { type DeviceNumber, deviceNumber } from '../system/device-number.ts';
import { reasonOf } from '../system/errno.ts';
import type { MachineFacts, PlaceFacts } from './doctor-types.ts';

/** The folder that runs are kept in. */
export async function readLogFolder(
  frozen: readonly DeviceNumber[],
): Promise<MachineFacts['logFolder']> {
  const path = RUN_FOLDER;
  try {
    const existing = await nearestExisting(path);
    await access(existing, constants.W_OK);
    const device = deviceNumber((await stat(existing, { bigint: true })).dev);
    const problem = runFolderProblem(path);
    const isFrozen = frozen.includes(device);
    return problem === undefined ? { path, isFrozen } : { path, isFrozen, problem };
  } catch (error) {
    const problem = reasonOf(error);
    return { path, isFrozen: false, problem };
  }
}

/** @param path undefined if no file for metrics is configured */
export async function readMetricsFile(
  path: string | undefined,
): Promise<MachineFacts['metricsFile']> {
  if (path === undefined) {
    return undefined;
  }
  const folder = dirname(path);
  try {
    const isFolder = (await stat(folder)).isDirectory();
    await access(folder, constants.W_OK);
    return { path, problem: isFolder ? undefined : `${folder} is not a folder` };
  } catch (error) {
    return { path, problem: `${folder}: ${reasonOf(error)}` };
  }
}

/** Free room of the folders that flashfreeze writes to. Folders on one file system are one place. */
export async function readPlaces(metricsFile: string | undefined): Promise<PlaceFacts[]> {
  const files = [FREEZE_ORDER_PATH, ...(metricsFile === undefined ? [] : [metricsFile])];
  const folders = [JOURNAL_DIRECTORY, RUN_FOLDER, ...files.map((it) => dirname(it))];
  const places = new Map<bigint, PlaceFacts>();
  for (const folder of folders) {
    try {
      const path = await nearestExisting(folder);
      const { dev } = await stat(path, { bigint: true });
      const { bsize, bavail, files: inodes, ffree } = await statfs(path);
      if (!places.has(dev)) {
        const freeInodes = inodes === 0 ? undefined : ffree;
        places.set(dev, { path, freeBytes: bsize * bavail, freeInodes });
      }
    } catch {
      // Of a folder that cannot be looked at, `readLogFolder` and `readMetricsFile` tell.
    }
  }
  return [...places.values()];
}

/** The path itself, or the nearest folder above it that exists. */
async function nearestExisting(path: string): Promise<string> {
  const exists =
    path === '/' ||
    (await access(path).then(
      () => true,
      () => false,
    ));
  return exists ? path : await nearestExisting(dirname(path));
}
