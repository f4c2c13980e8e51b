import type { Freezer } from '../freezer/freezer.ts';
import type { FreezerEvent, Stamps } from '../freezer/model.ts';
import type { Relay } from './context.ts';
import { MAX_TOTAL_MS, needsAnotherSettleRound } from './settle.ts';

/** How far the flushing came. */
export interface Settled {
  /** The last syncfs of each file system; zeros where none has returned. */
  readonly last: readonly Stamps[];
  /** False where a syncfs is still under way: then there must not be another one. */
  readonly isFinished: boolean;
}

/**
 * Flushes every file system, all at once, in rounds until little is left to flush; for five seconds at
 * most. What a slow device has not flushed by then, the freeze will.
 */
export async function settle(
  freezer: Freezer,
  count: number,
  relay: Relay<FreezerEvent>,
): Promise<Settled> {
  const roundsMs: number[] = [];
  let last: readonly Stamps[] = new Array<Stamps>(count).fill(NOT_SYNCED);
  const untilNs = process.hrtime.bigint() + BigInt(MAX_TOTAL_MS * 1e6);
  while (count > 0 && needsAnotherSettleRound(roundsMs)) {
    const round = await syncAll(freezer, count, relay, untilNs);
    last = round.last;
    if (!round.isFinished) {
      return round;
    }
    roundsMs.push(Math.max(...last.map(({ startNs, endNs }) => Number(endNs - startNs))) / 1e6);
  }
  return { last, isFinished: true };
}

const NOT_SYNCED: Stamps = { startNs: 0n, endNs: 0n };

/** One syncfs of every file system; resolves when all have returned, or at a time on CLOCK_MONOTONIC. */
async function syncAll(
  freezer: Freezer,
  count: number,
  relay: Relay<FreezerEvent>,
  untilNs: bigint,
): Promise<Settled> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const last = new Array<Stamps>(count).fill(NOT_SYNCED);
  let outstanding = count;
  using _listening = relay.listen((event) => {
    if (event.kind === 'synced') {
      last[event.fileSystem] = { startNs: event.startNs, endNs: event.endNs };
      outstanding -= 1;
    }
    if (outstanding === 0) {
      resolve(true);
    }
  });
  freezer.syncfs(last.map((_, index) => index));
  const leftMs = Number(untilNs - process.hrtime.bigint()) / 1e6;
  const timer = setTimeout(resolve, Math.max(1, leftMs), false);
  const isFinished = await promise;
  clearTimeout(timer);
  return { last, isFinished };
}
