import { mock } from 'node:test';
import * as assert from 'uvu/assert';
import { EventSlot } from '../../src/backup/context.ts';
import { flush } from '../../src/backup/flush.ts';
import type { Freezer } from '../../src/freezer/freezer.ts';
import type { FreezerEvent } from '../../src/freezer/freezer-types.ts';
import { suite } from '../suite.ts';

const test = suite('flush');
const MS = 1_000_000n;
const LIMIT_MS = 60_000;

/** Only what flushing calls; answers with how long each syncfs took, undefined for one that hangs. */
function freezerThatTakes(
  ms: readonly (bigint | undefined)[],
  relay: EventSlot<FreezerEvent>,
): { freezer: Freezer; rounds: () => number } {
  let rounds = 0;
  const syncfs = (indexes: readonly number[]): void => {
    rounds += 1;
    for (const fileSystem of indexes) {
      const took = ms[fileSystem];
      if (took !== undefined) {
        relay.tell({ kind: 'synced', fileSystem, errno: undefined, startNs: 0n, endNs: took * MS });
      }
    }
  };
  return { freezer: { syncfs } as unknown as Freezer, rounds: () => rounds };
}

test('ends after one round if little was dirty, after three if it never becomes quiet', async () => {
  const relay = new EventSlot<FreezerEvent>();
  const quick = freezerThatTakes([1n, 19n], relay);
  assert.equal((await flush(quick.freezer, 2, relay, LIMIT_MS)).late, []);
  assert.is(quick.rounds(), 1);
  const slow = freezerThatTakes([1n, 200n], relay);
  const { last, late } = await flush(slow.freezer, 2, relay, LIMIT_MS);
  assert.equal(late, []);
  assert.is(slow.rounds(), 3);
  assert.is(last[1]?.endNs, 200n * MS);
});

test('waits for a slow device, but not longer than the limit', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const relay = new EventSlot<FreezerEvent>();
    const hung = freezerThatTakes([1n, undefined], relay);
    const flushing = flush(hung.freezer, 2, relay, LIMIT_MS);
    mock.timers.tick(LIMIT_MS - 1_000);
    assert.is(await Promise.race([flushing, 'still waiting']), 'still waiting');
    mock.timers.tick(1_000);
    const { last, late } = await flushing;
    assert.equal(late, [1]);
    assert.equal(
      last.map(({ endNs }) => endNs),
      [MS, 0n],
    );
    assert.is(hung.rounds(), 1);
  } finally {
    mock.timers.reset();
  }
});

test.run();
