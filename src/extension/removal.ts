import { readdir, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { APPLICATION_LOCK_PATH, lockApplications } from '../backup/application-lock.ts';
import { FREEZE_ORDER_PATH } from '../backup/freeze-order-file.ts';
import { JOURNAL_DIRECTORY } from '../backup/journal/journal.ts';
import { PENDING_DIRECTORY } from '../backup/journal/pending-cleanup.ts';
import { FlashfreezeError } from '../errors.ts';
import { isCommandInstalled } from '../setup/is-installed.ts';
import { cleanUp } from './clean-up.ts';
import { handlerNameOf, type Installation } from './installation.ts';
import { MEMORY_DIRECTORY } from './memory-records.ts';
import { carryOverOrderNote } from './polling/order-note.ts';
import { stopPolling } from './polling/service.ts';
import { exclusively } from './process-lock.ts';
import { reportUnfinished } from './task/report-unfinished.ts';
import { carryOver, recordForOthers } from './task-history.ts';
import { endWorkers, terminateWorkers } from './task-process.ts';

/** Made by Node.js for the payload's launcher (package/flashfreeze.sh). */
const COMPILE_CACHE = '/run/flashfreeze-cache';
/**
 * Longest time for the runs to thaw, release applications and report. A post-script may take half an hour, so each command
 * gives them what the agent's limit (900 s for disable, 300 s for uninstall) leaves after the limits of the other steps:
 * 30 s for the lock of `enable`, 90 s for the polling service (for disable twice, because one may run beside its unit), 30 s
 * for the report of a run that died, 30 s for the clean-up.
 */
const END_LIMITS_MS = { disable: 600_000, uninstall: 120_000 } as const;
/** An enable takes well under a second. */
const ENABLE_LIMIT_MS = 30_000;

/**
 * What the agent's disable does: ends the task that runs, if one does, and runs the clean-up that is pending.
 *
 * @param found sentences about runs that died
 * @param warn called with a sentence for each step that failed
 * @throws FlashfreezeError FF_EXTENSION_BUSY if it does not end; disable has to fail then
 */
export async function disable(
  installation: Installation,
  found: readonly string[],
  warn: (message: string) => void,
): Promise<void> {
  await endEverything(installation, found, warn, END_LIMITS_MS.disable);
}

/**
 * An enable that is under way comes first, so that its worker and its polling service are known. If the locks cannot be
 * taken at all, the service is stopped without them, and the workers are only told to end: a broken installation must
 * still be removable.
 */
async function endEverything(
  installation: Installation,
  found: readonly string[],
  warn: (message: string) => void,
  limitMs: number,
): Promise<void> {
  const { directory } = installation;
  const ended = await unlessBusy(
    endUnderLock(installation, found, warn, limitMs).then(() => undefined),
  );
  if (ended !== undefined) {
    warn(ended);
    warn('the tasks that run were told to end, and not waited for');
    await terminateWorkers(directory);
    await endPolling(installation, warn);
  }
  // A worker that was killed has left it, and the next enable may be a repeat, which starts no other.
  await cleanUp(installation, warn);
}

/** @throws FlashfreezeError FF_EXTENSION_BUSY */
async function endPolling(
  installation: Installation,
  warn: (message: string) => void,
): Promise<void> {
  const problem = await unlessBusy(stopPolling(installation));
  if (problem !== undefined) {
    warn(problem);
  }
}

async function endUnderLock(
  installation: Installation,
  found: readonly string[],
  warn: (message: string) => void,
  limitMs: number,
): Promise<void> {
  const { directory } = installation;
  using _alone = await exclusively(directory, 'enable', ENABLE_LIMIT_MS);
  await endPolling(installation, warn);
  const foundSince = await endWorkers(directory, limitMs);
  await reportUnfinished(installation, [...found, ...foundSince]);
}

/**
 * The message of a step that failed, or what it says itself.
 *
 * @throws FlashfreezeError FF_EXTENSION_BUSY: what has not ended may hold file systems frozen
 */
async function unlessBusy(step: Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await step;
  } catch (error) {
    if (error instanceof FlashfreezeError && error.code === 'FF_EXTENSION_BUSY') {
      throw error;
    }
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * What the agent's update does: the new version takes over the task history of the old one, and the result
 * that the host does not have yet. For a downgrade the agent runs this command of the newer version, and names
 * the older one both as the version wanted and as the one updated from.
 */
export async function update({
  directory,
  libDirectory,
  version,
  agent,
}: Installation): Promise<void> {
  const { updatingFromVersion, version: wanted } = agent;
  if (updatingFromVersion === undefined) {
    return;
  }
  const other = join(libDirectory, `${handlerNameOf(directory)}-${updatingFromVersion}`);
  const isGoingBack = updatingFromVersion === wanted && updatingFromVersion !== version;
  const [from, to] = isGoingBack ? [directory, other] : [other, directory];
  await carryOver(from, to);
  if (isGoingBack) {
    await recordForOthers(to);
  }
  await carryOverOrderNote(from, to);
}

/**
 * What the agent's uninstall does: ends every process and removes what was made outside the directory,
 * but never a configuration file, nor the machine's lasting identity. In an upgrade another version lies beside this
 * one: then the files are left to that version. What the runs of a timer have learnt is theirs as long as the command is installed.
 *
 * @param found sentences about runs that died
 * @param warn called with a sentence for each step that failed
 */
export async function uninstall(
  installation: Installation,
  found: readonly string[],
  warn: (message: string) => void,
): Promise<void> {
  const { directory, libDirectory } = installation;
  await endEverything(installation, found, warn, END_LIMITS_MS.uninstall);
  if (!(await hasOtherVersion(directory, libDirectory))) {
    if (!isCommandInstalled()) {
      await rm(FREEZE_ORDER_PATH, { force: true });
    }
    await removeApplicationLock();
    await rm(COMPILE_CACHE, { recursive: true, force: true });
    await rm(MEMORY_DIRECTORY, { recursive: true, force: true });
    // A directory that is not empty stays: it holds a run with a pending thaw, or another program's files.
    for (const emptied of [dirname(FREEZE_ORDER_PATH), PENDING_DIRECTORY, JOURNAL_DIRECTORY]) {
      await rmdir(emptied).catch(() => {});
    }
  }
}

/** A run that holds the lock keeps the file: without it, another run could quiesce the same applications meanwhile. */
async function removeApplicationLock(): Promise<void> {
  // A path that cannot be locked keeps no run away.
  using held = await lockApplications().catch(() => new DisposableStack());
  if (held !== undefined) {
    await rm(APPLICATION_LOCK_PATH, { force: true });
  }
}

async function hasOtherVersion(directory: string, libDirectory: string): Promise<boolean> {
  const isVersion = new RegExp(`^${RegExp.escape(handlerNameOf(directory))}-\\d+(\\.\\d+)*$`);
  const names = await readdir(libDirectory).catch(() => []);
  return names.some((name) => isVersion.test(name) && name !== basename(directory));
}
