import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { FlashfreezeError } from '../errors.ts';
import { errnoOf, reasonOf } from '../system/errno.ts';
import { FileLock } from '../system/file-lock.ts';
import { writeWhole } from '../system/replace-file.ts';
import { metricsAfter } from './metrics.ts';
import type { RunFile } from './run-file.ts';

/** Held from reading the file to replacing it; in memory, so that it is never on a frozen file system. */
const LOCK = { name: 'lock of the metrics', path: '/run/flashfreeze/metrics.lock' } as const;
/** Another run needs milliseconds. */
const LOCK_WAIT_MS = 10_000;
/** No file of ours is as large; a larger one is replaced unread. */
const MAX_BYTES = 1_000_000;

/**
 * Puts the metrics of a run into the file, beside those of other origins. A reader finds the whole old or the whole new
 * file, and of several runs that end at once none is lost. Must not be called while anything is frozen.
 *
 * @param path undefined: nothing is written
 * @returns why the file could not be written; undefined if it was written, or if there is no path
 */
export async function tellMetrics(
  run: RunFile,
  path: string | undefined,
): Promise<string | undefined> {
  if (path === undefined) {
    return undefined;
  }
  try {
    using _alone = await FileLock.acquire({ ...LOCK, waitMs: LOCK_WAIT_MS });
    // The collector reads only *.prom, not the temporary file.
    await writeWhole(path, metricsAfter(await readBefore(path), run), { mode: 0o644 });
    return undefined;
  } catch (error) {
    return error instanceof FlashfreezeError
      ? `cannot write the metrics to ${path}: ${error.message}`
      : `cannot write the metrics to ${path} (${reasonOf(error)}): make its folder, or correct metricsFile in /etc/azure/vmbackup.conf`;
  }
}

/** Empty if there is no such file, or no regular one: a pipe would never come to its end. */
async function readBefore(path: string): Promise<string> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await file.stat();
    return stats.isFile() && stats.size <= MAX_BYTES ? await file.readFile('utf8') : '';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      return '';
    }
    throw error;
  }
}
