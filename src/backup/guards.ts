import { FlashfreezeError } from '../errors.ts';
import { readDaemons } from '../filesystems/relations/read-daemons.ts';
import { GUARDIAN_PATH, Guardian } from '../freezer/guardian.ts';
import { LastLever } from '../freezer/last-lever.ts';
import { FileLock } from '../system/file-lock.ts';
import { lockApplications, waitForApplications } from './application-lock.ts';
import { type PausedBalances, pauseBalances } from './btrfs-maintenance.ts';
import type { RunContext } from './context.ts';
import { Journal } from './journal/journal.ts';
import { runPendingCleanup } from './journal/pending-cleanup.ts';
import { thawAbandoned } from './journal/recover.ts';
import { type Prepared, planAgain, withoutFreeze } from './prepare.ts';

/** A list of permission daemons is current for this long and need not be read again. */
const DAEMONS_CURRENT_FOR_MS = 2_000;

/** The conditions of a freeze: locks, journal, guardian. They belong to the run, which ends them in reverse order. */
export interface Guards {
  /** Keeps other freezers away. Undefined if there is nothing to freeze, or if its path cannot be used. */
  readonly lock: Disposable | undefined;
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

/** The guards of one freezer: its journal, its last lever and its guardian. Its disposal ends them. */
interface FreezeGuards extends AsyncDisposable {
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
  const isFrozen = planned.plan.fileSystems.length > 0;
  const lock = isFrozen ? await lockFreezes(context) : undefined;
  const prepared = isFrozen ? await withCurrentDaemons(planned, plannedNs) : planned;
  const freeze = isFrozen ? await guardFreeze(context, prepared) : undefined;
  const balances = await pauseBalances(context, prepared.plan, prepared.freezer);
  return { guards: { lock, freeze, balances }, prepared };
}

/**
 * Ends what guards the freezer, and closes the freezer, so that nothing keeps the file systems mounted: a pre-script may
 * unmount one. Locks and paused balances stay.
 */
export async function setAside({ guards, prepared }: Guarded): Promise<void> {
  await guards.freeze?.[Symbol.asyncDispose]();
  await prepared.freezer[Symbol.asyncDispose]();
}

/** Goes on without a freeze: nothing is opened or guarded any more; the locks stay. */
export async function guardNothing(context: RunContext, before: Guarded): Promise<Guarded> {
  await setAside(before);
  const prepared = await withoutFreeze(context, before.prepared);
  return { guards: { ...before.guards, freeze: undefined }, prepared };
}

/**
 * Makes the plan again while the run holds its locks, with journal and guardian for the new plan.
 *
 * @throws as `planAgain` and `takeGuards`
 */
export async function guardAgain(context: RunContext, before: Guarded): Promise<Guarded> {
  await setAside(before);
  const prepared = await planAgain(context, before.prepared);
  if (prepared.plan.fileSystems.length === 0) {
    return { guards: { ...before.guards, freeze: undefined }, prepared };
  }
  const lock = before.guards.lock ?? (await lockFreezes(context));
  const freeze = await guardFreeze(context, prepared);
  const more = await pauseBalances(context, prepared.plan, prepared.freezer);
  const { balances } = before.guards;
  const resume = async (): Promise<void> => {
    await Promise.all([balances.resume(), more.resume()]);
  };
  return { guards: { lock, freeze, balances: { resume } }, prepared };
}

async function takeApplicationLock(context: RunContext): Promise<void> {
  if (context.request.quiesce === undefined) {
    return;
  }
  const lock = await lockApplications();
  if (lock === undefined) {
    context.note('waiting for another run to release the applications');
  }
  context.resources.use(lock ?? (await waitForApplications(context.abort)));
  // Another run may have died since this command began: its clean-up may write to what it left frozen.
  await thawForDeadRuns(context);
  await runPendingCleanup((message) => context.warn(message));
}

async function thawForDeadRuns(context: RunContext): Promise<void> {
  for (const sentence of await thawAbandoned()) {
    context.warn(sentence);
  }
}

/** Another run that had the lock may have died since this command began. */
async function lockFreezes(context: RunContext): Promise<FileLock | undefined> {
  const lock = context.resources.use(await acquireFreezeLock(context));
  await thawForDeadRuns(context);
  return lock;
}

async function guardFreeze(context: RunContext, prepared: Prepared): Promise<FreezeGuards> {
  const { plan, freezer } = prepared;
  const scope = context.resources.use(new AsyncDisposableStack());
  const journal = await Journal.begin(plan.fileSystems, freezer);
  scope.defer(async () => {
    // Otherwise keep the entry: the next command thaws the file systems that are still frozen.
    if (freezer.isThawed()) {
      await journal[Symbol.asyncDispose]();
    }
  });
  const mode = context.request.lastLever;
  const lastLever =
    mode === 'off'
      ? undefined
      : scope.use(LastLever.prepare(freezer, mode, permissionGroupsOf(prepared)));
  const guardian = scope.use(await Guardian.start(freezer, GUARDIAN_PATH, mode));
  return { lastLever, guardian, [Symbol.asyncDispose]: () => scope.disposeAsync() };
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

/**
 * Undefined if the lock's path cannot be used: other tools then freeze without it, too. A freeze of another tool that it
 * would have kept away is noticed by the freezer.
 *
 * @throws FlashfreezeError FF_LOCK_TIMEOUT, FF_LIMIT_REACHED, FF_INTERRUPTED
 */
async function acquireFreezeLock(context: RunContext): Promise<FileLock | undefined> {
  try {
    return await FileLock.acquire({ signal: context.abort });
  } catch (error) {
    context.throwIfAborted();
    if (error instanceof FlashfreezeError && error.code === 'FF_FREEZE_FAILED') {
      context.warn(`${error.message}; the file systems are frozen without the lock`);
      return undefined;
    }
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
