import { needsAnotherRound } from '../../src/backup/flush.ts';
import { Freezer } from '../../src/freezer/freezer.ts';
import type { FreezerEvent } from '../../src/freezer/freezer-types.ts';
import { type ArmedFreezer, Guardian } from '../../src/freezer/guardian.ts';
import { millisecondsOf } from '../probe/figures.ts';

/** In which order, and whether grace periods are expedited. */
export interface FreezeManner {
  readonly order: 'at-once' | 'in-turn';
  readonly expedite: boolean;
}

/** CLOCK_MONOTONIC ms. */
export interface FreezeTimes {
  readonly startMs: number;
  /** The last FIFREEZE returned. */
  readonly barrierMs: number;
  /** The first FITHAW was entered. */
  readonly thawMs: number;
  readonly endMs: number;
}

/** In turn, 256 cold file systems take some 10 s. */
const LIMIT_NS = 60_000_000_000n;

type Thawed = Extract<FreezerEvent, { kind: 'thawed' }>;
type Synced = Extract<FreezerEvent, { kind: 'synced' }>;

/** Freezes and thaws, with the product's own threads and guardian, and nothing in between. */
export class BareFreeze {
  readonly #freezer: Freezer;
  readonly #all: readonly number[];
  #heard: FreezerEvent[] = [];
  #onEvent: () => void = () => {};

  constructor(mountPoints: readonly string[]) {
    this.#all = mountPoints.map((_, index) => index);
    this.#freezer = Freezer.open(mountPoints, (event) => {
      this.#heard.push(event);
      this.#onEvent();
    });
  }

  async settle(): Promise<void> {
    const roundsMs: number[] = [];
    while (needsAnotherRound(roundsMs)) {
      this.#heard = [];
      this.#freezer.syncfs(this.#all);
      await this.#until('synced', this.#all.length);
      const synced = this.#heard.filter((event): event is Synced => event.kind === 'synced');
      roundsMs.push(
        Math.max(...synced.map(({ startNs, endNs }) => millisecondsOf(endNs - startNs))),
      );
    }
  }

  /** Throws Error if a freeze fails; nothing is frozen then, nor when it returns. */
  async freezeAndThaw({ order, expedite }: FreezeManner): Promise<FreezeTimes> {
    await using guardian = await Guardian.start(this.#freezer);
    const armed = await guardian.arm(process.hrtime.bigint() + LIMIT_NS);
    this.#heard = [];
    if (expedite) {
      this.#freezer.expedite();
    }
    await (order === 'at-once' ? this.#freezeAtOnce(armed) : this.#freezeInTurn(armed));
    this.#freezer.restoreGracePeriods();
    this.#freezer.thaw(this.#all);
    await this.#until('thawed', this.#all.length);
    armed.disarm();
    return this.#times();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#freezer[Symbol.asyncDispose]();
  }

  async #freezeAtOnce(armed: ArmedFreezer): Promise<void> {
    armed.freeze(this.#all);
    await this.#until('frozen', this.#all.length);
  }

  async #freezeInTurn(armed: ArmedFreezer): Promise<void> {
    for (const index of this.#all) {
      armed.freeze([index]);
      await this.#until('frozen', index + 1);
    }
  }

  #times(): FreezeTimes {
    const frozen = this.#heard.filter((event) => event.kind === 'frozen');
    const thawed = this.#heard.filter((event): event is Thawed => event.kind === 'thawed');
    return {
      startMs: Math.min(...frozen.map(({ startNs }) => millisecondsOf(startNs))),
      barrierMs: Math.max(...frozen.map(({ endNs }) => millisecondsOf(endNs))),
      thawMs: Math.min(...thawed.map(({ startNs }) => millisecondsOf(startNs))),
      endMs: Math.max(...thawed.map(({ endNs }) => millisecondsOf(endNs))),
    };
  }

  /** Resolves when so many events of a kind have been heard. */
  async #until(kind: FreezerEvent['kind'], count: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#onEvent = () => {
      const failed = this.#heard.find(
        (event) => event.kind === 'freeze-failed' || event.kind === 'expired',
      );
      if (failed !== undefined) {
        reject(new Error(`a bare freeze failed: ${failed.kind}`));
      } else if (this.#heard.filter((event) => event.kind === kind).length === count) {
        resolve();
      }
    };
    this.#onEvent();
    await promise;
  }
}
