import type { ArmedFreezer } from '../freezer/guardian.ts';
import type { Stamps } from '../freezer/model.ts';
import { abortReasonOf, throwIfAborted } from '../system/abort.ts';
import { waitExactly } from './guards.ts';
import { disksOf, type Prepared, type Relays } from './prepare.ts';
import type { WritesSeen } from './record.ts';
import type { BackupRequest } from './request.ts';
import { scheduleInput } from './schedule/topology.ts';
import { StuckWatch } from './stuck-watch.ts';
import { disksToWatch } from './whole-set/behind.ts';
import { FreezeWindow, type WindowEffects, type WindowRecord } from './window.ts';
import { WriteWatch } from './write-watch.ts';

/**
 * A request is given up this long before the deadline, or a tenth of the time before where that is
 * short, so that a disk that does not answer is reported as such, and the rest ends in order, before
 * the native deadline ends it hard.
 */
const REQUEST_MARGIN_MS = 100;

/** What one attempt at a freeze is given. */
export interface AttemptPlan {
  readonly waves: readonly (readonly number[])[];
  /** The last syncfs of each file system. */
  readonly settled: readonly Stamps[];
  /** CLOCK_MONOTONIC; nothing stays frozen longer. */
  readonly deadlineNs: bigint;
  /** Behind the guardian; undefined where there is nothing to freeze. */
  readonly armed: ArmedFreezer | undefined;
}

/** A window, and what was seen beside it. */
export interface WatchedWindow extends WindowRecord {
  /** What freezes waited for that took too long, as sentences for people. */
  readonly findings: readonly string[];
  /** For each target what the write counters of its disks say. */
  readonly writes: readonly WritesSeen[];
}

/**
 * One window: expedited, frozen, fired, thawed. Returns when nothing is frozen any more. While a
 * wave freezes, its own limit is armed; from the barrier on, what is left of the whole.
 */
export async function attempt(
  request: BackupRequest,
  prepared: Prepared,
  relays: Relays,
  attemptPlan: AttemptPlan,
  abort: AbortSignal,
): Promise<WatchedWindow> {
  const { plan, freezer } = prepared;
  using watch = new StuckWatch(freezer, plan, () => window.stillFreezing());
  using writes = WriteWatch.open(
    prepared.targets.map(({ behind }) => disksToWatch(behind)),
    [...plan.disks, ...(plan.otherDisks ?? [])],
  );
  const window: FreezeWindow = new FreezeWindow(
    { ...scheduleInput(plan, disksOf(prepared), request), waves: attemptPlan.waves },
    effectsOf(request, prepared, attemptPlan, watch),
    writes,
    attemptPlan.settled,
  );
  using _freezing = relays.freezer.listen((event) => window.onFreezerEvent(event));
  using _snapshots = relays.snapshot.listen((event) => window.onSnapshotEvent(event));
  const onAbort = (): void => window.abort(abortReasonOf(abort));
  abort.addEventListener('abort', onAbort, { once: true });
  freezer.expedite();
  try {
    // Last of all, so that nothing stands between the time asked for and the first FIFREEZE.
    await waitExactly(request.startAt, abort);
    throwIfAborted(abort);
    const record = await window.run();
    return { ...record, findings: await watch.findings(), writes: writes.results() };
  } finally {
    abort.removeEventListener('abort', onAbort);
    freezer.restoreGracePeriods();
    if (freezer.isSettled()) {
      attemptPlan.armed?.disarm();
    }
  }
}

function effectsOf(
  request: BackupRequest,
  { freezer, taker }: Prepared,
  { armed, deadlineNs }: AttemptPlan,
  watch: StuckWatch,
): WindowEffects {
  const limitMs = Math.min(REQUEST_MARGIN_MS, request.timeoutMs / 10);
  const requestDeadlineNs = deadlineNs - nanoseconds(limitMs);
  return {
    freeze: (fileSystems) => {
      const nowNs = process.hrtime.bigint();
      const limitNs = earlier(nowNs + nanoseconds(request.waveLimitMs), deadlineNs);
      armed?.limit(limitNs);
      armed?.freeze(fileSystems);
      watch.begin(Number(limitNs - nowNs) / 1e6);
    },
    thaw: (fileSystems) => freezer.thaw(fileSystems),
    fire: (fired) => taker.fire(fired, requestDeadlineNs),
    cancelRequests: () => taker.abort(),
    atBarrier: () => {
      freezer.restoreGracePeriods();
      armed?.limit(deadlineNs);
      watch[Symbol.dispose]();
    },
  };
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1e6));
}
