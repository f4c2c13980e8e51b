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

/** A list of permission daemons is current for this long and need not be read again. */
const DAEMONS_CURRENT_FOR_MS = 2_000;

/** The conditions of a freeze: locks, journal, guardian. They belong to the run, which ends them in reverse order. */
export interface Guards {
  /** Undefined if there is nothing to freeze. */
  readonly freeze: FreezeGuards | undefined;
  /** Paused btrfs balances, to be resumed after the thaw. */
  readonly balances: PausedBalances;
}

/** Guards, and what they guard. */
export interface Guarded {
  readonly guards: Guards;
  /** As given, with the current permission daemons. */
  readonly prepared: Prepared;
}

interface FreezeGuards {
  /** Keeps other freezers away. */
  readonly lock: Disposable;
  /** Undefined if the configuration disables it. */
  readonly lastLever: LastLever | undefined;
  readonly guardian: Guardian;
}

/**
 * Waits for other runs, takes the locks, starts journal and guardian, pauses balances.
 *
 * @param plannedNs CLOCK_MONOTONIC; when the plan in `planned` was read
 * @throws FlashfreezeError FF_LOCK_TIMEOUT, FF_GUARDIAN_MISSING, FF_BTRFS_BUSY, FF_INTERRUPTED and others; nothing
 * is frozen then
 */
export async function takeGuards(
  context: RunContext,
  planned: Prepared,
  plannedNs: bigint,
): Promise<Guarded> {
  // Before the freeze lock, which other tools share: this may take as long as another run's scripts.
  await takeApplicationLock(context);
  const { freeze, prepared } = await guardFreeze(context, planned, plannedNs);
  const balances = await pauseBalances(context, prepared.plan, prepared.freezer);
  return { guards: { freeze, balances }, prepared };
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
  // If that run has died, its clean-up is still pending.
  await runPendingCleanup((message) => context.warn(message));
}

async function guardFreeze(
  context: RunContext,
  planned: Prepared,
  plannedNs: bigint,
): Promise<Pick<Guards, 'freeze'> & Pick<Guarded, 'prepared'>> {
  if (planned.plan.fileSystems.length === 0) {
    return { freeze: undefined, prepared: planned };
  }
  const { request, resources } = context;
  const lock = resources.use(await acquireFreezeLock(context));
  const prepared = await withCurrentDaemons(planned, plannedNs);
  const { plan, freezer } = prepared;
  const journal = await Journal.begin(plan.fileSystems, freezer);
  resources.defer(async () => {
    // Otherwise keep the entry: the next command thaws the file systems that are still frozen.
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
 * Reads the permission daemons again: while the run waited for its start, a lock or another run's scripts, daemons may
 * have started or ended. The last lever finds them itself; the messages need this list.
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

/** Warnings of the guardian and the last lever at the end of a run. */
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
