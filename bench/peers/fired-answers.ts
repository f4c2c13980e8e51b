import type { Lanes } from '../../src/snapshot/blob/lanes.ts';
import type { SnapshotEvent } from '../../src/snapshot/snapshot-types.ts';
import { millisecondsOf } from '../probe/figures.ts';
import { BareFreeze, type FreezeTimes } from './bare-freeze.ts';

const LIMIT_NS = 30_000_000_000n;

/** Until the way of a request is compiled: the floor's requests leave as fast as they can. */
const WARM_UP_ROUNDS = 5;

/** The answers of one round: from the call that fires all to the last answer. */
export class FiredAnswers {
  #stampsMs: number[] = [];
  #failed = 0;
  #done = Promise.withResolvers<void>();
  #expected = 0;

  readonly hear = (event: SnapshotEvent): void => {
    if (event.kind === 'acknowledged') {
      this.#stampsMs.push(millisecondsOf(event.atNs));
    } else if (event.kind === 'failed') {
      this.#failed += 1;
    }
    if (this.#stampsMs.length + this.#failed === this.#expected) {
      this.#done.resolve();
    }
  };

  async fireAll(lanes: Lanes, count: number): Promise<number> {
    this.#expected = count;
    const startMs = millisecondsOf(process.hrtime.bigint());
    lanes.fire(
      Array.from({ length: count }, (_, target) => target),
      process.hrtime.bigint() + LIMIT_NS,
    );
    await this.#done.promise;
    if (this.#failed > 0) {
      throw new Error(`${this.#failed} of the floor's ${count} requests failed`);
    }
    return Math.max(...this.#stampsMs) - startMs;
  }
}

/**
 * Freezes and thaws every file system at once and nothing else, and then sends the requests with nothing frozen.
 *
 * @param lanes their connections stand, and `answers` hears their events
 */
export async function measureFloor(
  mountPoints: readonly string[],
  lanes: Lanes,
  answers: FiredAnswers,
  count: number,
): Promise<{ readonly freeze: FreezeTimes; readonly requestsMs: number }> {
  await using freezer = new BareFreeze(mountPoints);
  await freezer.settle();
  const freeze = await freezer.freezeAndThaw({ order: 'at-once', expedite: true });
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
    await lanes.rewarm();
  }
  return { freeze, requestsMs: await answers.fireAll(lanes, count) };
}
