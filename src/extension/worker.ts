import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import {
  type ProcessIdentity,
  processIdentity,
  stillRuns,
} from '../backup/journal/process-identity.ts';
import { exclusively } from './exclusive.ts';
import type { Installation } from './installation.ts';

/** Where a worker finds the settings of its task. */
const SETTINGS_DESCRIPTOR = 3;
const IDENTITY_FILE = 'run.json';

/**
 * Starts the process that runs a task: in a session of its own, because the agent ends the group of a
 * command that takes too long, with its standard streams on /dev/null, because the agent's are files on
 * a file system that will be frozen. The settings go through a pipe, never to a disk. Resolves when the
 * worker has all of them; it begins when this process has nothing more to write.
 *
 * @throws what the system says where the process cannot be started
 */
export async function startWorker(
  { directory }: Installation,
  sequenceNumber: number,
  settings: string,
): Promise<void> {
  const [, program = ''] = process.argv;
  const worker = spawn(process.execPath, [...process.execArgv, program, 'extension', 'run'], {
    cwd: directory,
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, ConfigSequenceNumber: String(sequenceNumber) },
  });
  await once(worker, 'spawn');
  worker.unref();
  const pipe = worker.stdio[SETTINGS_DESCRIPTOR];
  if (!(pipe instanceof Writable)) {
    throw new Error('the worker has no pipe for its settings');
  }
  pipe.end(settings);
  await finished(pipe);
}

/** The settings that `startWorker` hands over. */
export function receiveSettings(): string {
  return readFileSync(SETTINGS_DESCRIPTOR, 'utf8');
}

/** Notes that this process runs a task, until disposed; `endWorker` finds it by that. */
export async function noteWorker(directory: string): Promise<AsyncDisposable> {
  const path = join(directory, IDENTITY_FILE);
  await writeFile(path, JSON.stringify(await processIdentity('self')), { mode: 0o600 });
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

/**
 * Ends the task that runs, if one does: it thaws, runs what is owed to applications, and reports.
 *
 * @returns whether there was one
 * @throws FlashfreezeError FF_EXTENSION_BUSY where it has not ended within `limitMs`
 */
export async function endWorker(directory: string, limitMs: number): Promise<boolean> {
  const worker = await readIdentity(join(directory, IDENTITY_FILE));
  if (worker === undefined || !(await stillRuns(worker))) {
    return false;
  }
  try {
    process.kill(worker.pid, 'SIGTERM');
  } catch {
    return false;
  }
  using _ended = await exclusively(directory, 'run', limitMs);
  return true;
}

async function readIdentity(path: string): Promise<ProcessIdentity | undefined> {
  try {
    const { pid, startTicks } = JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity;
    return Number.isInteger(pid) && pid > 0 ? { pid, startTicks } : undefined;
  } catch {
    return undefined;
  }
}
