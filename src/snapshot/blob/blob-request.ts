import { bodyIn } from '../http/body-in.ts';
import type { Exchange } from '../http/exchange.ts';
import type { SnapshotAnswer } from '../snapshot-types.ts';
import { snapshotAnswer } from './answers.ts';
import type { LaneRequest } from './lane-types.ts';
import type { PreparedTarget } from './prepare-target.ts';

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
        // The other of two tries, and the body, which is needed only if the code is not in the headers (before version 2017-07-29).
        await bodyIn(exchange);
      }
    }
    return snapshotAnswer(exchange, this.#prepared, this.#mark);
  }
}
