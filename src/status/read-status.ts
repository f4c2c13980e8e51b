import { globSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { leftFrozen } from '../backup/journal/recover.ts';
import { FlashfreezeError } from '../errors.ts';
import { resultOf } from '../report/run-file.ts';
import { RUN_FOLDER, readRunFile, runFilesIn, runFolderProblem } from '../report/run-folder.ts';
import { byTime } from '../report/run-times.ts';
import { errnoOf } from '../system/errno.ts';
import type { KeptRunFile, StatusFacts } from './judge-status.ts';
import { readTimer } from './read-timer.ts';

/** The extension keeps its runs beside its log, in the folder that the agent gives it. */
const EXTENSION_FOLDERS = '/var/log/azure/*/runs';

/** Runs that are read in any case. */
const LEAST_READ = 5;

/** @returns the folders in which this machine's runs are kept, whether they are there or not */
function runFolders(): string[] {
  return [RUN_FOLDER, ...globSync(EXTENSION_FOLDERS)];
}

/**
 * @param folders undefined: those that runs are kept in, without what another user than root can have put there
 * @param recovered sentences about dead runs that this command has recovered
 * @throws FlashfreezeError FF_NOT_ROOT if a folder may not be read
 */
export async function readStatus(
  folders: readonly string[] | undefined,
  maxAgeMs: number,
  recovered: readonly string[],
): Promise<StatusFacts> {
  const now = new Date();
  const [kept, frozen, timer] = await Promise.all([
    folders === undefined ? readTrustedRuns(runFolders(), now) : readRuns(folders, now),
    leftFrozen().catch(() => []),
    readTimer(),
  ]);
  return {
    now,
    host: hostname(),
    maxAgeMs,
    ...kept,
    stillFrozen: frozen.map(({ mountPoint }) => mountPoint),
    recovered,
    timer,
  };
}

async function readTrustedRuns(folders: readonly string[], now: Date): Promise<ReadRuns> {
  await Promise.all(folders.map(requireReadable));
  const problems = new Map(folders.map((folder) => [folder, runFolderProblem(folder)] as const));
  const isTrusted = (folder: string): boolean => problems.get(folder) === undefined;
  const untrusted = await Promise.all(
    folders
      .filter((folder) => !isTrusted(folder))
      // The folder of another program has nothing that could be taken for a run.
      .map(async (folder) => ((await runFilesIn(folder)).length > 0 ? [folder] : [])),
  );
  return {
    ...(await readRuns(folders.filter(isTrusted), now)),
    untrusted: untrusted
      .flat()
      .map((folder) => `the runs in ${folder} are not believed: ${problems.get(folder)}`),
  };
}

type ReadRuns = Pick<StatusFacts, 'runs' | 'damaged' | 'untrusted'>;

/** The newest runs that took snapshots or tried to, at least up to the last success, and then those from the future. */
async function readRuns(folders: readonly string[], now: Date): Promise<ReadRuns> {
  await Promise.all(folders.map(requireReadable));
  const files = (await Promise.all(folders.map((folder) => runFilesIn(folder)))).flat();
  const { past, future } = byTime(
    files.filter((path) => !basename(path).includes('-freeze-')),
    now,
  );
  const runs: KeptRunFile[] = [];
  const damaged: string[] = [];
  const read = async (path: string): Promise<void> => {
    const run = await readRunFile(path).catch(() => undefined);
    if (run === undefined) {
      damaged.push(path);
    } else {
      runs.push({ path, run });
    }
  };
  for (const path of past) {
    if (runs.length >= LEAST_READ && runs.some(({ run }) => resultOf(run) === 'success')) {
      break;
    }
    await read(path);
  }
  for (const path of future) {
    await read(path);
  }
  return { runs, damaged, untrusted: [] };
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
