import type { Freezer } from '../freezer/freezer.ts';
import type { FreezerEvent } from '../freezer/model.ts';
import type { Relay } from './relay.ts';
import { needsAnotherSettleRound } from './settle.ts';

/**
 * Flushes every file system, all at once, in rounds until little is left to flush.
 *
 * @returns how long the last syncfs of each file system took, in nanoseconds
 */
export async function settle(
  freezer: Freezer,
  count: number,
  relay: Relay<FreezerEvent>,
): Promise<bigint[]> {
  const roundsMs: number[] = [];
  let took: bigint[] = [];
  while (count > 0 && needsAnotherSettleRound(roundsMs)) {
    took = await syncAll(freezer, count, relay);
    roundsMs.push(took.reduce((longest, ns) => Math.max(longest, Number(ns)), 0) / 1e6);
  }
  return took;
}

/** One syncfs of every file system; resolves when all have returned. */
async function syncAll(
  freezer: Freezer,
  count: number,
  relay: Relay<FreezerEvent>,
): Promise<bigint[]> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const took = new Array<bigint>(count).fill(0n);
  let outstanding = count;
  using _listening = relay.listen((event) => {
    if (event.kind === 'synced') {
      took[event.fileSystem] = event.endNs - event.startNs;
      outstanding -= 1;
    }
    if (outstanding === 0) {
      resolve();
    }
  });
  freezer.syncfs(took.map((_, index) => index));
  await promise;
  return took;
}
