import { readDaemons } from '../filesystems/relations/read-daemons.ts';
import { GUARDIAN_PATH, Guardian } from '../freezer/guardian.ts';
import { LastLever } from '../freezer/last-lever.ts';
import { FileLock } from '../system/file-lock.ts';
import { lockApplications, waitForApplications } from './application-lock.ts';
import { type PausedBalances, pauseBalances } from './btrfs-maintenance.ts';
import type { RunContext } from './context.ts';
import { Journal } from './journal/journal.ts';
import { runPendingCleanup } from './journal/pending-cleanup.ts';
import type { Prepared } from './prepare.ts';

/** Processes that were looked at so shortly before need not be looked at again. */
const DAEMONS_CURRENT_FOR_MS = 2_000;

/** What nothing may be frozen without. It belongs to the run, and ends in reverse order. */
export interface Guards {
  /** Undefined if there is nothing to freeze. */
  readonly freeze: FreezeGuards | undefined;
  /** Paused btrfs balances, to go on after the thaw. */
  readonly balances: PausedBalances;
  /** As given, with the permission daemons that run now. */
  readonly prepared: Prepared;
}

interface FreezeGuards {
  /** Keeps other freezers away. */
  readonly lock: Disposable;
  /** Undefined if it is switched off. */
  readonly lastLever: LastLever | undefined;
  readonly guardian: Guardian;
}

/**
 * Waits for other runs, takes the locks, starts journal and guardian, pauses balances.
 *
 * @param plannedNs CLOCK_MONOTONIC; when the plan of `planned` had been read
 * @throws FlashfreezeError FF_LOCK_TIMEOUT, FF_GUARDIAN_MISSING, FF_BTRFS_BUSY, FF_INTERRUPTED and others; nothing
 * is frozen then
 */
export async function takeGuards(
  context: RunContext,
  planned: Prepared,
  plannedNs: bigint,
): Promise<Guards> {
  // Before the lock that is shared with other tools: this may take as long as another run's scripts.
  await takeApplicationLock(context);
  const { freeze, prepared } = await guardFreeze(context, planned, plannedNs);
  const balances = await pauseBalances(context, prepared.plan, prepared.freezer);
  return { freeze, balances, prepared };
}

async function takeApplicationLock(context: RunContext): Promise<void> {
  if (context.request.quiesce === undefined) {
    return;
  }
  const lock = await lockApplications();
  if (lock !== undefined) {
    context.resources.use(lock);
    return;
  }
  context.note('waiting for another run to release the applications');
  context.resources.use(await waitForApplications(context.abort));
  // That run may have died, and then its clean-up is still pending.
  await runPendingCleanup((message) => context.warn(message));
}

async function guardFreeze(
  context: RunContext,
  planned: Prepared,
  plannedNs: bigint,
): Promise<Pick<Guards, 'freeze' | 'prepared'>> {
  if (planned.plan.fileSystems.length === 0) {
    return { freeze: undefined, prepared: planned };
  }
  const { request, resources } = context;
  const lock = resources.use(await acquireFreezeLock(context));
  const prepared = await withCurrentDaemons(planned, plannedNs);
  const { plan, freezer } = prepared;
  const journal = await Journal.begin(plan.fileSystems, freezer);
  resources.defer(async () => {
    // A file system that is still frozen is left to the next start of any command.
    if (freezer.isThawed()) {
      await journal[Symbol.asyncDispose]();
    }
  });
  const mode = request.lastLever;
  const lastLever =
    mode === 'off'
      ? undefined
      : resources.use(LastLever.prepare(freezer, mode, permissionGroupsOf(prepared)));
  const guardian = resources.use(await Guardian.start(freezer, GUARDIAN_PATH, mode));
  return { freeze: { lock, lastLever, guardian }, prepared };
}

function permissionGroupsOf({ plan }: Prepared): Parameters<typeof LastLever.prepare>[2] {
  return plan.daemons.flatMap(({ pid, command, permissionGroups }) =>
    permissionGroups.map(({ descriptor }) => ({ pid, command, descriptor })),
  );
}

/**
 * While the run waited for a start, a lock or another run's scripts, permission daemons came and went. The last
 * lever looks for them itself; this is for the messages.
 */
async function withCurrentDaemons(prepared: Prepared, plannedNs: bigint): Promise<Prepared> {
  if (process.hrtime.bigint() - plannedNs < BigInt(DAEMONS_CURRENT_FOR_MS) * 1_000_000n) {
    return prepared;
  }
  const { plan } = prepared;
  const { daemons, isComplete } = await readDaemons();
  const seen = new Set(daemons.map(({ pid }) => pid));
  const missed = isComplete ? [] : plan.daemons.filter(({ pid }) => !seen.has(pid));
  return { ...prepared, plan: { ...plan, daemons: [...daemons, ...missed] } };
}

async function acquireFreezeLock(context: RunContext): Promise<FileLock> {
  try {
    return await FileLock.acquire({ signal: context.abort });
  } catch (error) {
    context.throwIfAborted();
    throw error;
  }
}

/** What the guardian and the last lever have to tell when the run ends. */
export function guardWarnings({ freeze }: Guards): string[] {
  const { answered, killed } = freeze?.lastLever?.outcome() ?? { answered: 0, killed: [] };
  return [
    ...(freeze?.guardian.warnings ?? []),
    ...(freeze?.lastLever?.warnings ?? []),
    ...(answered === 0
      ? []
      : [
          `a fanotify permission daemon blocked the freeze: flashfreeze answered ${answered} pending open requests on its behalf (lastLever)`,
        ]),
    ...(killed.length === 0
      ? []
      : [
          `a fanotify permission daemon blocked the freeze: flashfreeze killed the processes that waited for it (lastLever; pid ${killed.join(', ')})`,
        ]),
  ];
}
