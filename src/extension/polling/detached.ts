import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { FlashfreezeError } from '../../errors.ts';
import { FileLock } from '../../system/file-lock.ts';
import { LockedFile } from '../../system/locked-file.ts';
import {
  type ProcessIdentity,
  processIdentity,
  stillRuns,
  terminate,
} from '../../system/process-identity.ts';
import { SafeDirectory } from '../../system/safe-directory.ts';
import { startProgram } from '../../system/start-program.ts';
import type { ServiceCommand } from './service-command.ts';

/** The files of a service that runs without systemd. */
export interface PollingFiles {
  /** Process number, start time in clock ticks since boot, and command, a line each. */
  readonly pidFile: string;
  /** Held by the service as long as it runs. */
  readonly lockFile: string;
}

export const POLLING_FILES: PollingFiles = {
  pidFile: '/run/directsnapshot.pid',
  lockFile: '/run/directsnapshot.lock',
};

const LOCK_NAME = 'lock of the polling service';

/** Before it ends, it thaws and reports to the host. */
const STOP_LIMIT_MS = 90_000;

/** Starts the service in its own session, unless a service with this command runs already. */
export async function startDetached(
  command: ServiceCommand,
  files: PollingFiles = POLLING_FILES,
): Promise<void> {
  const noted = await readNote(files.pidFile);
  if (noted !== undefined && (await stillRuns(noted.process))) {
    if (noted.command === noteOf(command)) {
      return;
    }
    await stopDetached(files);
  }
  const [program, ...args] = command.argv;
  const child = await startProgram(program, args, {
    cwd: command.directory,
    detached: true,
    stdio: 'ignore',
    env: command.environment,
  });
  child.unref();
  const { pid, startTicks } = await processIdentity(child.pid ?? 0);
  await writeFile(files.pidFile, `${pid}\n${startTicks}\n${noteOf(command)}\n`, { mode: 0o644 });
}

/**
 * Ends the service and waits for its end, also if there is no note of its process: the enable that started it may have
 * been killed before it wrote the note. May be repeated.
 *
 * @throws FlashfreezeError FF_EXTENSION_BUSY if it does not end
 */
export async function stopDetached(files: PollingFiles = POLLING_FILES): Promise<void> {
  const running = await runningServices(files);
  for (const pid of running) {
    terminate(pid);
  }
  if (running.length > 0) {
    // The kernel releases the lock when the process has ended, whatever ended it.
    using _ended = await waitForEnd(files.lockFile);
  }
  await rm(files.pidFile, { force: true });
  await rm(files.lockFile, { force: true });
}

/** The process that was noted, which need not have the lock yet, and the one that holds the lock. */
async function runningServices({ pidFile, lockFile }: PollingFiles): Promise<number[]> {
  const noted = await readNote(pidFile);
  const isRunning = noted !== undefined && (await stillRuns(noted.process));
  return [...new Set([...(isRunning ? [noted.process.pid] : []), ...holdersOf(lockFile)])];
}

/** At most one process. None for a file that no service can have locked, because it is missing or not safe. */
function holdersOf(lockFile: string): number[] {
  if (!existsSync(lockFile)) {
    return [];
  }
  try {
    using file = LockedFile.open(lockFile, SafeDirectory.open);
    const pid = file.holder();
    return pid > 0 ? [pid] : [];
  } catch {
    return [];
  }
}

/**
 * Makes this process the service. Resolves to undefined if another one is.
 */
export async function becomeTheService({
  lockFile,
}: PollingFiles = POLLING_FILES): Promise<FileLock | undefined> {
  try {
    return await FileLock.acquire({ name: LOCK_NAME, path: lockFile, waitMs: 0 });
  } catch (error) {
    if (error instanceof FlashfreezeError && error.code === 'FF_LOCK_TIMEOUT') {
      return undefined;
    }
    throw error;
  }
}

async function waitForEnd(path: string): Promise<FileLock> {
  try {
    return await FileLock.acquire({ name: LOCK_NAME, path, waitMs: STOP_LIMIT_MS });
  } catch (error) {
    throw error instanceof FlashfreezeError && error.code === 'FF_LOCK_TIMEOUT'
      ? new FlashfreezeError(
          'FF_EXTENSION_BUSY',
          `the polling service did not end within ${STOP_LIMIT_MS / 1_000} s (${path} is locked); \`lslocks\` shows its process.`,
        )
      : error;
  }
}

interface Note {
  readonly process: ProcessIdentity;
  readonly command: string;
}

async function readNote(path: string): Promise<Note | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const [pid = '', startTicks = '', command = ''] = text.split('\n');
  return /^[1-9]\d*$/.test(pid)
    ? { process: { pid: Number(pid), startTicks }, command }
    : undefined;
}

function noteOf({ argv, directory, environment }: ServiceCommand): string {
  return JSON.stringify({ argv, directory, environment });
}
