import { abortReasonOf } from './abort.ts';
import type { Prepared, Relays } from './prepare.ts';
import type { BackupRequest } from './request.ts';
import { scheduleInput } from './schedule/topology.ts';
import { FreezeWindow, type WindowRecord } from './window.ts';

/**
 * A request is given up this long before the deadline, or a tenth of the time before where that is
 * short, so that a disk that does not answer is reported as such, and the rest ends in order, before
 * the native deadline ends it hard.
 */
const REQUEST_MARGIN_MS = 100;

/** What one attempt at a freeze is given. */
export interface AttemptPlan {
  readonly waves: readonly (readonly number[])[];
  /** How long the last syncfs of each file system took. */
  readonly settleNs: readonly bigint[];
  /** Longest the whole attempt may take. */
  readonly limitMs: number;
}

/**
 * One window: armed, expedited, frozen, fired, thawed. Returns when nothing is frozen any more. While
 * a wave freezes, its own limit is armed; from the barrier on, what is left of the whole.
 */
export async function attempt(
  request: BackupRequest,
  { plan, freezer, lanes, targets }: Prepared,
  relays: Relays,
  { waves, settleNs, limitMs }: AttemptPlan,
  abort: AbortSignal,
): Promise<WindowRecord> {
  const disks = targets.map(({ disk }) => disk);
  const deadlineNs = process.hrtime.bigint() + nanoseconds(limitMs);
  const requestDeadlineNs = deadlineNs - nanoseconds(Math.min(REQUEST_MARGIN_MS, limitMs / 10));
  const window = new FreezeWindow(
    { ...scheduleInput(plan, disks, request.fire), waves },
    {
      freeze: (fileSystems) => {
        freezer.arm(
          earlier(deadlineNs, process.hrtime.bigint() + nanoseconds(request.waveLimitMs)),
        );
        freezer.freeze(fileSystems);
      },
      thaw: (fileSystems) => freezer.thaw(fileSystems),
      fire: (fired) => lanes.fire(fired, requestDeadlineNs),
      cancelRequests: () => lanes.abort(),
      atBarrier: () => {
        freezer.restoreGracePeriods();
        freezer.arm(deadlineNs);
      },
    },
    settleNs,
  );
  using _freezing = relays.freezer.listen((event) => window.onFreezerEvent(event));
  using _snapshots = relays.snapshot.listen((event) => window.onSnapshotEvent(event));
  const onAbort = (): void => window.abort(abortReasonOf(abort));
  abort.addEventListener('abort', onAbort, { once: true });
  freezer.arm(deadlineNs);
  freezer.expedite();
  try {
    return await window.run();
  } finally {
    abort.removeEventListener('abort', onAbort);
    freezer.restoreGracePeriods();
    if (freezer.isSettled()) {
      freezer.disarm();
    }
  }
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1e6));
}
