import { readDaemons } from '../filesystems/relations/read-daemons.ts';
import { sleepUntil } from '../freezer/clock.ts';
import { GUARDIAN_PATH, Guardian } from '../freezer/guardian.ts';
import { LastLever } from '../freezer/last-lever.ts';
import { FreezeLock } from '../freezer/lock.ts';
import type { Stamps } from '../freezer/model.ts';
import type { QuiescedApplication, QuiescePlan } from '../quiesce/model.ts';
import { throwIfAborted, unlessAborted } from '../system/abort.ts';
import { youngGarbageCollector } from '../system/garbage.ts';
import { quiesceApplication } from './application.ts';
import { lockApplications, waitForApplications } from './application-lock.ts';
import { type PausedBalances, pauseBalances, requireNoMaintenance } from './btrfs-maintenance.ts';
import { type Settled, settle } from './flush.ts';
import { Journal } from './journal/journal.ts';
import { settleOwed } from './journal/pending-cleanup.ts';
import type { Phases } from './phases.ts';
import { preflightError } from './preflight.ts';
import { disksOf, type Prepared, type Relays } from './prepare.ts';
import type { BackupRequest, RunObserver } from './request.ts';
import { scheduleInput } from './schedule/topology.ts';
import { requireSamePlan } from './verify-storage.ts';
import { rehearse } from './warm-up.ts';

/** Settling begins this long before a scheduled start: it may take 5 s, and connections idle little. */
const SETTLE_AHEAD_MS = 5_500;
/** The last syncfs and the re-warming; more than both take on a machine that has just settled. */
const REWARM_AHEAD_MS = 400;
/** What was proved so shortly before the last syncfs need not be proved again: no server closes as soon. */
const WARM_FOR_MS = 1_000;

/** Processes that were looked at so shortly before need not be looked at again. */
const DAEMONS_CURRENT_FOR_MS = 2_000;

/** Everything is ready for the first FIFREEZE. */
export interface Approached {
  /** Undefined where there is nothing to freeze. */
  readonly guardian: Guardian | undefined;
  /** Keeps other freezers away; undefined where there is nothing to freeze. */
  readonly lock: Disposable | undefined;
  /** Undefined where it is switched off, or there is nothing to freeze. */
  readonly lastLever: LastLever | undefined;
  /** The last syncfs of each file system. */
  readonly settled: readonly Stamps[];
  /** Undefined where none is to be quiesced; to be let go after the thaw. */
  readonly application: QuiescedApplication | undefined;
  /** As given, without file systems where the application asks for no freeze. */
  readonly prepared: Prepared;
  /** To go on after the thaw. */
  readonly balances: PausedBalances;
}

/**
 * What comes right before the freeze, and shortly before a scheduled start: a run that has not let the
 * applications go yet is waited for, the lock that keeps other freezers away taken, the guardian started,
 * dirty data flushed, the application quiesced, what it wrote flushed, every connection proved. What is
 * acquired goes to `resources`.
 *
 * @throws FlashfreezeError FF_LOCK_TIMEOUT, FF_GUARDIAN_MISSING, FF_GUARDIAN_LOST, FF_QUIESCE_FAILED, or
 * where a connection is lost and cannot be had again; nothing is frozen then
 */
export async function approach(
  request: BackupRequest,
  planned: Prepared,
  relays: Relays,
  resources: AsyncDisposableStack,
  phases: Phases,
  observer: RunObserver,
  abort: AbortSignal,
): Promise<Approached> {
  const plannedNs = process.hrtime.bigint();
  const { startAt } = request;
  if (startAt !== undefined) {
    await phases.measure('wait', () => sleepUntilBefore(startAt, SETTLE_AHEAD_MS, abort));
  }
  const guards = await phases.measure('lock', async () => {
    await takeApplications(request, resources, observer, abort);
    const guarded = await guard(request, planned, plannedNs, resources, abort);
    const balances = await pauseBalances(request, guarded.prepared, resources, observer, abort);
    return { ...guarded, balances };
  });
  const { prepared } = guards;
  const first = await phases.measure('settle', () =>
    unlessAborted(abort, settle(prepared.freezer, settledCount(request, prepared), relays.freezer)),
  );
  if (!first.isFinished) {
    observer.warn(
      'flushing dirty data did not come to an end within 5 s; the freeze will have to flush the rest, and take longer',
    );
  }
  const warmNs = await readyForApplication(request, prepared, phases, abort);
  const quiesced = await quiesceApplication(request, prepared, resources, phases, observer, abort);
  const settled = await phases.measure('rewarm', () =>
    unlessAborted(abort, settleAndRewarm(request, quiesced.prepared, relays, first, warmNs, abort)),
  );
  await requireSamePlan(request, quiesced.prepared);
  await requireNoMaintenance(request, quiesced.prepared);
  return { ...guards, ...quiesced, settled };
}

/**
 * What does not depend on the application is done before it is quiesced, so that it is held only for the
 * rest.
 *
 * @returns CLOCK_MONOTONIC; when the connections were proved. Undefined where there is no application
 */
async function readyForApplication(
  request: BackupRequest,
  prepared: Prepared,
  phases: Phases,
  abort: AbortSignal,
): Promise<bigint | undefined> {
  const { startAt, quiesce: plan } = request;
  if (plan === undefined) {
    return undefined;
  }
  if (startAt !== undefined) {
    await phases.measure('wait', () => sleepUntilBefore(startAt, quiesceAheadMs(plan), abort));
  }
  await phases.measure('rewarm', async () => {
    await rehearse(scheduleInput(prepared.plan, disksOf(prepared), request));
    await unlessAborted(abort, rewarm(prepared));
  });
  return process.hrtime.bigint();
}

/**
 * Long for what may take its time, short for what holds others up meanwhile; what takes longer delays a
 * scheduled start.
 */
function quiesceAheadMs(plan: QuiescePlan): number {
  const mayTakeLong = plan.kind !== 'database' || plan.workload.kind === 'postgres';
  return REWARM_AHEAD_MS + (mayTakeLong ? 2_600 : 400);
}

function settledCount({ settle: isWanted }: BackupRequest, { plan }: Prepared): number {
  return isWanted ? plan.fileSystems.length : 0;
}

async function settleAndRewarm(
  request: BackupRequest,
  prepared: Prepared,
  relays: Relays,
  first: Settled,
  warmNs: bigint | undefined,
  abort: AbortSignal,
): Promise<readonly Stamps[]> {
  if (request.startAt !== undefined) {
    await sleepUntilBefore(request.startAt, REWARM_AHEAD_MS, abort);
  }
  const isWarm =
    warmNs !== undefined && process.hrtime.bigint() - warmNs < BigInt(WARM_FOR_MS) * 1_000_000n;
  if (warmNs === undefined) {
    await rehearse(scheduleInput(prepared.plan, disksOf(prepared), request));
  }
  // The preflight's and the rehearsal's litter: left to itself V8 clears it away in the middle of the window.
  youngGarbageCollector()();
  // Both at once: what becomes dirty while one waits for the other would be flushed in the window.
  const count = first.isFinished ? settledCount(request, prepared) : 0;
  const [again] = await Promise.all([
    settle(prepared.freezer, count, relays.freezer),
    isWarm ? undefined : rewarm(prepared),
  ]);
  return count === 0 ? first.last : again.last;
}

/** Before the lock that is shared with other tools: this may take as long as another run's scripts. */
async function takeApplications(
  { quiesce }: BackupRequest,
  resources: AsyncDisposableStack,
  observer: RunObserver,
  abort: AbortSignal,
): Promise<void> {
  const lock = quiesce === undefined ? undefined : await lockApplications();
  if (quiesce === undefined || lock !== undefined) {
    resources.use(lock);
    return;
  }
  observer.note?.('another run has not let the applications go yet, and is waited for');
  resources.use(await waitForApplications(abort));
  // It may have died, and then nobody else has looked after what it owed.
  await settleOwed((message) => observer.warn(message));
}

/** Nothing may be frozen without lock, journal and guardian; they end in reverse order. */
async function guard(
  { lastLever: mode }: BackupRequest,
  planned: Prepared,
  plannedNs: bigint,
  resources: AsyncDisposableStack,
  abort: AbortSignal,
): Promise<Pick<Approached, 'guardian' | 'lastLever' | 'lock' | 'prepared'>> {
  if (planned.plan.fileSystems.length === 0) {
    return { guardian: undefined, lastLever: undefined, lock: undefined, prepared: planned };
  }
  const lock = resources.use(await acquireLock(abort));
  const prepared = await withCurrentDaemons(planned, plannedNs);
  const { plan, freezer } = prepared;
  const journal = await Journal.begin(plan.fileSystems, freezer);
  resources.defer(async () => {
    // One that is still frozen is left to the next start of any command.
    if (freezer.isSettled()) {
      await journal[Symbol.asyncDispose]();
    }
  });
  const permissionDescriptors = plan.daemons.flatMap(({ pid, command, permissionGroups }) =>
    permissionGroups.map(({ descriptor }) => ({ pid, command, descriptor })),
  );
  const lastLever =
    mode === 'off'
      ? undefined
      : resources.use(LastLever.prepare(freezer, mode, permissionDescriptors));
  const guardian = resources.use(await Guardian.start(freezer, GUARDIAN_PATH, mode));
  return { guardian, lastLever, lock, prepared };
}

/**
 * While a start, a lock or another run's scripts were waited for, permission daemons came and went; the last
 * lever looks for them itself, but who they are is told beforehand.
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

async function acquireLock(abort: AbortSignal): Promise<FreezeLock> {
  try {
    return await FreezeLock.acquire({ signal: abort });
  } catch (error) {
    throwIfAborted(abort);
    throw error;
  }
}

/** A sleeping thread and an event loop take up to some ms to wake on a busy machine. */
const WAKE_AHEAD_MS = 4;

/**
 * Returns at the scheduled time, for the rest of which it keeps the processor: nothing is frozen yet,
 * and nothing else is to be done any more.
 */
export async function waitExactly(startAt: Date | undefined, abort: AbortSignal): Promise<void> {
  await waitForStart(startAt, WAKE_AHEAD_MS, abort);
  while (startAt !== undefined && Date.now() < startAt.getTime()) {
    // The wall clock may be set back meanwhile; then this waits as the sleep would have.
    if (startAt.getTime() - Date.now() > WAKE_AHEAD_MS) {
      await waitForStart(startAt, WAKE_AHEAD_MS, abort);
    }
  }
}

/** Resolves `aheadMs` before the scheduled time, to some tens of microseconds; at once where there is none. */
export async function waitForStart(
  startAt: Date | undefined,
  aheadMs: number,
  abort: AbortSignal,
): Promise<void> {
  if (startAt !== undefined) {
    await sleepUntilBefore(startAt, aheadMs, abort);
  }
}

async function sleepUntilBefore(startAt: Date, aheadMs: number, abort: AbortSignal): Promise<void> {
  const ns = BigInt(Math.round(startAt.getTime() - aheadMs)) * 1_000_000n;
  try {
    await sleepUntil({ clock: 'realtime', ns }, abort);
  } catch (error) {
    throwIfAborted(abort);
    throw error;
  }
}

/** @throws FlashfreezeError where a connection is lost and cannot be had again */
export async function rewarm({ taker, takenBy, targets }: Prepared): Promise<void> {
  const error = preflightError(
    await taker.rewarm(),
    targets.map(({ blob }) => blob),
    takenBy,
  );
  if (error !== undefined) {
    throw error;
  }
}
