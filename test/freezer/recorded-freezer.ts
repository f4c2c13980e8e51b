import { Freezer, type FreezerOptions } from '../../src/freezer/freezer.ts';
import type { FreezerEvent } from '../../src/freezer/freezer-types.ts';

type Kind = FreezerEvent['kind'];
export type EventOf<K extends Kind> = Extract<FreezerEvent, { kind: K }>;

/** A freezer that keeps its events, so that a test can wait for them. */
export class RecordedFreezer implements AsyncDisposable {
  readonly freezer: Freezer;
  readonly events: FreezerEvent[] = [];
  readonly all: readonly number[];
  #heard = Promise.withResolvers<void>();

  constructor(mountPoints: readonly string[], options: FreezerOptions = {}) {
    this.all = mountPoints.map((_, index) => index);
    const listener = (event: FreezerEvent): void => {
      this.events.push(event);
      this.#heard.resolve();
      this.#heard = Promise.withResolvers();
    };
    this.freezer = Freezer.open(mountPoints, listener, options);
  }

  of<K extends Kind>(kind: K): EventOf<K>[] {
    return this.events.filter((event): event is EventOf<K> => event.kind === kind);
  }

  /** Resolves when so many events of the kind have come since the beginning. */
  async until<K extends Kind>(kind: K, count = this.all.length): Promise<EventOf<K>[]> {
    while (this.of(kind).length < count) {
      await this.#heard.promise;
    }
    return this.of(kind);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.freezer[Symbol.asyncDispose]();
  }
}

/** The time on CLOCK_MONOTONIC after that many ms. */
export const inMs = (milliseconds: number): bigint =>
  process.hrtime.bigint() + BigInt(milliseconds) * 1_000_000n;
