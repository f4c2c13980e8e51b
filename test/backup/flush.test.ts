import { mock } from 'node:test';
import * as assert from 'uvu/assert';
import { EventSlot } from '../../src/backup/context.ts';
import { flush, MAX_TOTAL_MS } from '../../src/backup/flush.ts';
import type { Freezer } from '../../src/freezer/freezer.ts';
import type { FreezerEvent } from '../../src/freezer/freezer-types.ts';
import { suite } from '../suite.ts';

const test = suite('flush');
const MS = 1_000_000n;

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
  assert.is((await flush(quick.freezer, 2, relay)).isFinished, true);
  assert.is(quick.rounds(), 1);
  const slow = freezerThatTakes([1n, 200n], relay);
  const { last, isFinished } = await flush(slow.freezer, 2, relay);
  assert.is(isFinished, true);
  assert.is(slow.rounds(), 3);
  assert.is(last[1]?.endNs, 200n * MS);
});

test('continues without a device whose flush does not end', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const relay = new EventSlot<FreezerEvent>();
    const hung = freezerThatTakes([1n, undefined], relay);
    const settling = flush(hung.freezer, 2, relay);
    mock.timers.tick(MAX_TOTAL_MS);
    const { last, isFinished } = await settling;
    assert.is(isFinished, false);
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
