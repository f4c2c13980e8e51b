import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { hasAbandonedCleanup } from '../backup/journal/pending-cleanup.ts';
import { startProgram } from '../system/start-program.ts';
import type { Installation } from './installation.ts';
import { ownCommand } from './own-command.ts';
import { hasWorkers } from './task-process.ts';

/** The time that the agent's limit for uninstall (300 s) leaves after the limits of the steps before. */
const WAIT_LIMIT_MS = 30_000;

type Warn = (message: string) => void;

/**
 * For the commands that have to be quick: starts the clean-up of applications that dead runs have left pending, and does
 * not wait for it. Does nothing if a worker of the extension runs: a task begins with this clean-up. Never rejects.
 */
export async function startCleanUp(installation: Installation, warn: Warn): Promise<void> {
  if ((await hasAbandonedCleanup()) && !(await hasWorkers(installation.directory))) {
    (await startProcess(installation, warn))?.unref();
  }
}

/**
 * For the commands that end the extension: as `startCleanUp`, but waits for the end of the clean-up, for `WAIT_LIMIT_MS`
 * at most. Never rejects.
 */
export async function cleanUp(installation: Installation, warn: Warn): Promise<void> {
  const child = (await hasAbandonedCleanup()) ? await startProcess(installation, warn) : undefined;
  if (child === undefined) {
    return;
  }
  try {
    await once(child, 'exit', { signal: AbortSignal.timeout(WAIT_LIMIT_MS) });
  } catch {
    child.unref();
    warn(
      `the clean-up of applications that a dead run left pending still runs (process ${child.pid}); it goes on after this command`,
    );
  }
}

/**
 * The clean-up has a process and a session of its own, because a post-script may take half an hour: the agent kills the
 * process group of a command that takes longer than 300 s, and the application would stay quiesced.
 *
 * @returns undefined if the process cannot be started
 */
async function startProcess(
  { directory }: Installation,
  warn: Warn,
): Promise<ChildProcess | undefined> {
  const [program, ...args] = ownCommand('clean-up');
  // The agent's streams are files on a file system that the next task freezes.
  try {
    return await startProgram(program, args, { cwd: directory, detached: true, stdio: 'ignore' });
  } catch (error) {
    warn(
      `cannot start the clean-up of applications that a dead run left pending; the next command will retry: ${String(error)}`,
    );
    return undefined;
  }
}
