import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import type { Exchange } from '../http/exchange.ts';
import type { SnapshotAnswer } from '../snapshot-types.ts';
import { snapshotAnswer } from './answers.ts';
import type { LaneRequest } from './lane-types.ts';
import type { PreparedTarget } from './prepare-target.ts';

/**
 * How long the reading of an answer waits for what is still under way, in ms: the other of two tries, and the body of a
 * refusal, which is needed only if its code is not in the headers, as in versions of the service before 2017-07-29.
 */
const BODY_LIMIT_MS = 500;

/** The one exchange that takes the snapshot of a page blob. */
export class BlobRequest implements LaneRequest {
  readonly #exchange: Exchange;
  readonly #prepared: PreparedTarget;
  readonly #mark: string | undefined;

  /** @param mark `REQUEST_MARK` of the request; undefined if it has none */
  constructor(exchange: Exchange, prepared: PreparedTarget, mark: string | undefined) {
    this.#exchange = exchange;
    this.#prepared = prepared;
    this.#mark = mark;
  }

  get started(): boolean {
    return this.#exchange.started;
  }

  start(deadlineNs: bigint): void {
    this.#exchange.start(deadlineNs);
  }

  cut(reason: 'timeout' | 'aborted'): void {
    this.#exchange.cut(reason);
  }

  release(): void {
    this.#exchange.release();
  }

  async answer(): Promise<SnapshotAnswer> {
    const exchange = this.#exchange;
    if (exchange.started) {
      await exchange.whenEnded;
      if (exchange.end?.kind === 'refused' || exchange.attempts > 1) {
        const limit = setTimeoutPromise(BODY_LIMIT_MS, undefined, { ref: false });
        await Promise.race([exchange.whenAllIn, limit]);
      }
    }
    return snapshotAnswer(exchange, this.#prepared, this.#mark);
  }
}
