import { closeSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import {
  isOfEarlierBoot,
  type ProcessIdentity,
  processIdentity,
  readBootId,
  stillRuns,
  terminate,
} from '../system/process-identity.ts';
import { startProgram } from '../system/start-program.ts';
import type { Installation } from './installation.ts';
import { memoryOf, onDiskOrInMemory } from './memory-records.ts';
import { ownCommand } from './own-command.ts';
import { runExclusively } from './process-lock.ts';

/** Where a worker finds the settings of its task. */
const SETTINGS_DESCRIPTOR = 3;
/** A file for each worker, named by its process. */
const WORKERS_FOLDER = 'workers';

/** `report`: only report that the task was interrupted, and run the clean-up that it left. */
export type Work = 'run' | 'report';

/**
 * Starts the process that runs a task: in a session of its own, because the agent ends the group of a
 * command that takes too long, with its standard streams on /dev/null, because the agent's are files on
 * a file system that will be frozen. The settings go through a pipe, never to a disk. Resolves when the
 * worker has all of them; it begins when this process has nothing more to write.
 *
 * @throws what the system says if the process cannot be started
 */
export async function startWorker(
  { directory }: Installation,
  sequenceNumber: number,
  settings: string,
  work: Work,
): Promise<void> {
  const [program, ...args] = ownCommand('run', ...(work === 'report' ? ['--interrupted'] : []));
  const worker = await startProgram(program, args, {
    cwd: directory,
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, ConfigSequenceNumber: String(sequenceNumber) },
  });
  worker.unref();
  try {
    await noteWorker(directory, worker.pid ?? 0);
  } catch (error) {
    // A process that no command could find and end must not begin.
    worker.kill('SIGKILL');
    throw error;
  }
  const pipe = worker.stdio[SETTINGS_DESCRIPTOR];
  if (!(pipe instanceof Writable)) {
    throw new Error('the worker has no pipe for its settings');
  }
  // The other direction stays open as long as the worker runs, and is not used.
  pipe.end(settings);
  await finished(pipe, { readable: false });
  pipe.destroy();
}

/** The settings that `startWorker` hands over. */
export function receiveSettings(): string {
  const settings = readFileSync(SETTINGS_DESCRIPTOR, 'utf8');
  closeSync(SETTINGS_DESCRIPTOR);
  return settings;
}

/** After a reboot, or on a machine restored from a backup, another process may have this number and start time. */
interface WorkerNote extends ProcessIdentity {
  readonly bootId?: string;
}

/**
 * Called by the process that starts the worker, so that every worker is known from its start.
 *
 * @throws what the system says
 */
export async function noteWorker(directory: string, pid: number): Promise<void> {
  const bootId = await readBootId();
  const note: WorkerNote = {
    ...(await processIdentity(pid)),
    ...(bootId === undefined ? {} : { bootId }),
  };
  await onDiskOrInMemory(directory, async (it) => {
    const folder = join(it, WORKERS_FOLDER);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, `${pid}.json`), JSON.stringify(note), { mode: 0o600 });
  });
}

function workersFolders(directory: string): string[] {
  return [directory, memoryOf(directory)].map((it) => join(it, WORKERS_FOLDER));
}

/** To be called by a worker as the last thing that it does. */
export async function forgetWorker(directory: string): Promise<void> {
  for (const folder of workersFolders(directory)) {
    await rm(join(folder, `${process.pid}.json`), { force: true });
  }
}

/**
 * Ends the task that runs, if one does, and those that wait for it: they thaw, release applications, and
 * report. To be called under the lock of `enable`, so that no worker starts meanwhile.
 *
 * @returns sentences about the workers that died of the signal, and what they had frozen
 * @throws FlashfreezeError FF_EXTENSION_BUSY if one has not ended within `limitMs`
 */
export async function endWorkers(directory: string, limitMs: number): Promise<string[]> {
  for (const { pid } of await runningWorkers(directory)) {
    terminate(pid);
  }
  const found: string[] = [];
  using _ended = await runExclusively(directory, limitMs, (sentence) => found.push(sentence));
  for (const folder of workersFolders(directory)) {
    await rm(folder, { recursive: true, force: true });
  }
  return found;
}

/** If no lock can be taken, for example because the addon does not load: sends the workers SIGTERM and does not wait. */
export async function terminateWorkers(directory: string): Promise<void> {
  for (const { pid } of await runningWorkers(directory)) {
    terminate(pid);
  }
}

/** Whether some task runs, or is about to. */
export async function hasWorkers(directory: string): Promise<boolean> {
  return (await runningWorkers(directory)).length > 0;
}

async function runningWorkers(directory: string): Promise<ProcessIdentity[]> {
  const paths = await Promise.all(
    workersFolders(directory).map(async (folder) =>
      (await readdir(folder).catch(() => [])).map((name) => join(folder, name)),
    ),
  );
  const known = await Promise.all(paths.flat().map(readIdentity));
  const running = await Promise.all(known.map((it) => it !== undefined && stillRuns(it)));
  return known.flatMap((worker, index) => (running[index] === true && worker ? [worker] : []));
}

async function readIdentity(path: string): Promise<ProcessIdentity | undefined> {
  try {
    const note = JSON.parse(await readFile(path, 'utf8')) as WorkerNote;
    const { pid, startTicks, bootId } = note;
    const isVoid =
      !Number.isInteger(pid) || pid <= 0 || isOfEarlierBoot(bootId, await readBootId());
    return isVoid ? undefined : { pid, startTicks };
  } catch {
    return undefined;
  }
}
