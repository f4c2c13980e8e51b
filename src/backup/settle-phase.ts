import type { Freezer } from '../freezer/freezer.ts';
import type { FreezerEvent, Stamps } from '../freezer/model.ts';
import type { Relay } from './relay.ts';
import { needsAnotherSettleRound } from './settle.ts';

/**
 * Flushes every file system, all at once, in rounds until little is left to flush.
 *
 * @returns the last syncfs of each file system
 */
export async function settle(
  freezer: Freezer,
  count: number,
  relay: Relay<FreezerEvent>,
): Promise<Stamps[]> {
  const roundsMs: number[] = [];
  let synced: Stamps[] = [];
  while (count > 0 && needsAnotherSettleRound(roundsMs)) {
    synced = await syncAll(freezer, count, relay);
    roundsMs.push(Math.max(...synced.map(({ startNs, endNs }) => Number(endNs - startNs))) / 1e6);
  }
  return synced;
}

/** One syncfs of every file system; resolves when all have returned. */
async function syncAll(
  freezer: Freezer,
  count: number,
  relay: Relay<FreezerEvent>,
): Promise<Stamps[]> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const synced = new Array<Stamps>(count).fill({ startNs: 0n, endNs: 0n });
  let outstanding = count;
  using _listening = relay.listen((event) => {
    if (event.kind === 'synced') {
      synced[event.fileSystem] = { startNs: event.startNs, endNs: event.endNs };
      outstanding -= 1;
    }
    if (outstanding === 0) {
      resolve();
    }
  });
  freezer.syncfs(synced.map((_, index) => index));
  await promise;
  return synced;
}
