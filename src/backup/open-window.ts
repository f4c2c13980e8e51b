import { abortReasonOf } from './abort.ts';
import type { Prepared, Relays } from './prepare.ts';
import type { BackupRequest } from './request.ts';
import { scheduleInput } from './schedule/topology.ts';
import { slowestFirst } from './settle.ts';
import { FreezeWindow, type WindowRecord } from './window.ts';

/**
 * A request is given up this long before the deadline, or a tenth of the time-out before where that is
 * short, so that a disk that does not answer is reported as such, and the rest ends in order, before
 * the native deadline ends it hard.
 */
const REQUEST_MARGIN_MS = 100;

/**
 * The window: armed, expedited, frozen, fired, thawed. Returns when nothing is frozen any more.
 * `settleNs`: how long the last syncfs of each file system took.
 */
export async function openWindow(
  request: BackupRequest,
  { plan, freezer, lanes, targets }: Prepared,
  relays: Relays,
  settleNs: readonly bigint[],
  abort: AbortSignal,
): Promise<WindowRecord> {
  const disks = targets.map(({ disk }) => disk);
  const input = {
    ...scheduleInput(plan, disks, request.fire),
    waves: slowestFirst(plan.waves, settleNs),
  };
  const deadlineNs = process.hrtime.bigint() + nanoseconds(request.timeoutMs);
  const requestDeadlineNs =
    deadlineNs - nanoseconds(Math.min(REQUEST_MARGIN_MS, request.timeoutMs / 10));
  const window = new FreezeWindow(
    input,
    {
      freeze: (fileSystems) => freezer.freeze(fileSystems),
      thaw: (fileSystems) => freezer.thaw(fileSystems),
      fire: (fired) => lanes.fire(fired, requestDeadlineNs),
      cancelRequests: () => lanes.abort(),
      restoreGracePeriods: () => freezer.restoreGracePeriods(),
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

function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1e6));
}
