import { globSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { leftFrozen } from '../backup/journal/recover.ts';
import { FlashfreezeError } from '../errors.ts';
import { resultOf } from '../report/run-file.ts';
import { RUN_FOLDER, readRunFile, runFilesIn } from '../report/run-folder.ts';
import { errnoOf } from '../system/errno.ts';
import type { KeptRunFile, StatusFacts } from './judge-status.ts';
import { readTimer } from './read-timer.ts';

/** The extension keeps its runs beside its log, in the folder that the agent gives it. */
const EXTENSION_FOLDERS = '/var/log/azure/*/runs';

/** Runs that are read in any case. */
const LEAST_READ = 5;

/** @returns the folders in which this machine's runs are kept, whether they are there or not */
export function runFolders(): string[] {
  return [RUN_FOLDER, ...globSync(EXTENSION_FOLDERS)];
}

/**
 * @param recovered sentences about dead runs that this command has recovered
 * @throws FlashfreezeError FF_NOT_ROOT if a folder may not be read
 */
export async function readStatus(
  folders: readonly string[],
  maxAgeMs: number,
  recovered: readonly string[],
): Promise<StatusFacts> {
  const [kept, frozen, timer] = await Promise.all([
    readRuns(folders),
    leftFrozen().catch(() => []),
    readTimer(),
  ]);
  return {
    now: new Date(),
    host: hostname(),
    maxAgeMs,
    ...kept,
    stillFrozen: frozen.map(({ mountPoint }) => mountPoint),
    recovered,
    timer,
  };
}

/** The newest runs that took snapshots or tried to, at least up to the last success. */
async function readRuns(
  folders: readonly string[],
): Promise<Pick<StatusFacts, 'runs' | 'damaged'>> {
  await Promise.all(folders.map(requireReadable));
  const files = (await Promise.all(folders.map((folder) => runFilesIn(folder)))).flat();
  // Names begin with the time.
  const newestFirst = files
    .filter((path) => !basename(path).includes('-freeze-'))
    .toSorted((a, b) => (basename(a) < basename(b) ? 1 : -1));
  const runs: KeptRunFile[] = [];
  const damaged: string[] = [];
  let hasSuccess = false;
  for (const path of newestFirst) {
    if (hasSuccess && runs.length >= LEAST_READ) {
      break;
    }
    const run = await readRunFile(path).catch(() => undefined);
    if (run === undefined) {
      damaged.push(path);
    } else {
      runs.push({ path, run });
      hasSuccess ||= resultOf(run) === 'success';
    }
  }
  return { runs, damaged };
}

async function requireReadable(folder: string): Promise<void> {
  try {
    await access(folder, constants.R_OK | constants.X_OK);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') {
      throw new FlashfreezeError(
        'FF_NOT_ROOT',
        `${folder} cannot be read (${errnoOf(error)}): only root may read what runs have left; run this command with sudo`,
      );
    }
  }
}
