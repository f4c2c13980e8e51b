import { writeFile } from 'node:fs/promises';
import { readMounts } from '../../filesystems/read-plan.ts';
import { enterRestored, enterThawed, readLedger } from '../../freezer/ledger.ts';
import { errnoOf } from '../../system/errno.ts';
import { lockApplications } from '../application-lock.ts';
import type { RunObserver } from '../request.ts';
import type { Thawed } from './force-thaw.ts';
import {
  forget,
  GRACE_PERIODS_PATH,
  type JournaledFileSystem,
  keepOnly,
  type UnfinishedRun,
  unfinishedRuns,
} from './journal.ts';
import { hasAbandonedCleanup, runPendingCleanup } from './pending-cleanup.ts';
import { type DeadLedger, type PendingThaw, pendingThaws } from './pending-thaws.ts';
import { awaitEnd, runPendingThaws } from './run-pending-thaws.ts';

/**
 * Recovers from runs that died between freeze and thaw: thaws the file systems that they had frozen, and no others;
 * reports the results and deletes the entries. Normally the guardian has thawed everything long before; this is for the
 * case that both were killed. Then runs the clean-up that is still pending for applications.
 *
 * @param warn gets one sentence for each run
 */
export async function recover(warn: RunObserver['warn'], directory?: string): Promise<void> {
  for (const sentence of await thawAbandoned(directory)) {
    warn(sentence);
  }
  await cleanUpAfterDeadRuns(warn);
}

/**
 * Runs the clean-up for applications that dead runs have left pending. Does nothing while a live run holds the
 * application lock: that run has already done the clean-up. Never rejects.
 */
export async function cleanUpAfterDeadRuns(warn: RunObserver['warn']): Promise<void> {
  if (!(await hasAbandonedCleanup())) {
    return;
  }
  try {
    using held = await lockApplications();
    if (held !== undefined) {
      await runPendingCleanup(warn);
    }
  } catch (error) {
    warn(
      `Pending application clean-up failed and will be retried by the next command: ${String(error)}`,
    );
  }
}

/**
 * The part of the recovery that must come before any write outside tmpfs: logs and states may lie on a file system that
 * is still frozen. Never rejects: a failed recovery must not prevent a command that ends running tasks or removes the
 * extension.
 *
 * @returns one sentence for each run
 */
export async function thawAbandoned(directory?: string): Promise<string[]> {
  const sentences: string[] = [];
  for (const run of await unfinishedRuns(directory)) {
    sentences.push(await recoverRun(run).catch((error: unknown) => notRecovered(run, error)));
  }
  return sentences;
}

/** A file system that a dead run has frozen and that could not be thawed so far. */
export interface LeftFrozen extends JournaledFileSystem {
  /** If false, it stays frozen, and its writers will block when it is mounted again. */
  readonly isMounted: boolean;
}

/** The thaws that are still pending after `thawAbandoned`. Thaws nothing. */
export async function leftFrozen(directory?: string): Promise<LeftFrozen[]> {
  const pending: PendingThaw[] = [];
  for (const run of await unfinishedRuns(directory)) {
    pending.push(...pendingThaws(run, await ledgerOf(run)));
  }
  const { mounts } = await readMounts();
  const mounted = new Set(mounts.map(({ device }) => device));
  return pending.map(({ mountPoint, device }) => ({
    mountPoint,
    device,
    isMounted: mounted.has(device),
  }));
}

async function recoverRun(run: UnfinishedRun): Promise<string> {
  const ledger = await ledgerOf(run);
  const pending = pendingThaws(run, ledger);
  const results = await runPendingThaws(pending, run.process);
  await enterResults(run, pending, results);
  await restoreGracePeriods(run, ledger);
  const left = pending.filter((_, index) => isStillPending(results[index]));
  if (left.length === 0) {
    await forget(run);
    await awaitEnd(run.process);
  } else if (ledger === 'lost') {
    await keepOnly(
      run,
      left.map(({ mountPoint, device }) => ({ mountPoint, device })),
    );
  }
  return describe(run, ledger, results);
}

/** A file system that is no longer mounted keeps its frozen superblock, and is frozen when it is mounted again. */
function isStillPending(result: Thawed | undefined): boolean {
  return result?.state === 'failed' || result?.state === 'gone';
}

async function ledgerOf({ ledgerPath }: UnfinishedRun): Promise<DeadLedger> {
  if (ledgerPath === undefined) {
    return 'lost';
  }
  try {
    return (await readLedger(ledgerPath)) ?? 'lost';
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? 'gone' : 'lost';
  }
}

async function enterResults(
  { ledgerPath }: UnfinishedRun,
  pending: readonly PendingThaw[],
  results: readonly Thawed[],
): Promise<void> {
  const lines = pending.flatMap(({ line }, index) =>
    line === undefined || isStillPending(results[index]) ? [] : [line],
  );
  if (ledgerPath !== undefined && lines.length > 0) {
    await enterThawed(ledgerPath, lines);
  }
}

/** If the file cannot be written, the run has not expedited the grace periods. */
async function restoreGracePeriods(run: UnfinishedRun, ledger: DeadLedger): Promise<void> {
  // A run changes nothing but a 0. A 1 that it found may come from another dead run, which has been recovered by now.
  if (formerGracePeriods(run, ledger) !== '0') {
    return;
  }
  await writeFile(GRACE_PERIODS_PATH, '0').catch(() => {});
  if (run.ledgerPath !== undefined && ledger !== 'lost') {
    await enterRestored(run.ledgerPath);
  }
}

/** The value before the run; undefined if it has been restored already. */
function formerGracePeriods(run: UnfinishedRun, ledger: DeadLedger): string | undefined {
  if (ledger === 'lost') {
    return run.gracePeriods;
  }
  return ledger === 'gone' ? undefined : ledger.gracePeriods?.toString();
}

function describe(run: UnfinishedRun, ledger: DeadLedger, results: readonly Thawed[]): string {
  const list = (title: string, state: Thawed['state']): string[] => {
    const found = results.filter((it) => it.state === state).map(({ mountPoint }) => mountPoint);
    return found.length === 0 ? [] : [`${title}: ${found.join(', ')}`];
  };
  const thawed = list('thawed now', 'thawed');
  const failed = results.flatMap(({ state, mountPoint, reason }) =>
    state === 'failed' ? [`${mountPoint} (${reason})`] : [],
  );
  const gone = list(
    'no longer mounted, but probably still frozen; the first command after it is mounted again thaws it',
    'gone',
  );
  const isOver = thawed.length === 0 && failed.length === 0 && gone.length === 0;
  return [
    `A run that began ${run.begun} (process ${run.process.pid}) died between freeze and thaw`,
    ...(isOver ? ['nothing was left frozen'] : thawed),
    ...(thawed.length > 0 && ledger === 'lost' ? [withoutLedger(run)] : []),
    ...gone,
    ...(failed.length === 0
      ? []
      : [`could not be thawed; the next command will retry: ${failed.join(', ')}`]),
  ].join('; ');
}

function notRecovered({ begun, process: { pid } }: UnfinishedRun, error: unknown): string {
  return `A run that began ${begun} (process ${pid}) died between freeze and thaw; its recovery failed and will be retried by the next command: ${String(error)}`;
}

function withoutLedger({
  ledgerInMemoryBecause = 'its ledger cannot be read',
}: UnfinishedRun): string {
  return `regardless of which tool froze them, because the file systems that the run had frozen are unknown (${ledgerInMemoryBecause})`;
}
