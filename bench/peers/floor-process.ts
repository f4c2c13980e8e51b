/**
 * The floor, in a process of its own as what it is compared with: reads a FloorRequest on standard
 * input, prints a FloorReport. Between the two it freezes and thaws every file system at once and
 * nothing else, and then sends the same snapshot requests over warm connections with nothing frozen.
 */
import { text } from 'node:stream/consumers';
import { needsAnotherSettleRound } from '../../src/backup/settle.ts';
import { Freezer } from '../../src/freezer/freezer.ts';
import { Guardian } from '../../src/freezer/guardian.ts';
import type { FreezerEvent } from '../../src/freezer/model.ts';
import { BlobLanes } from '../../src/snapshot/blob/lanes.ts';
import type { SnapshotEvent } from '../../src/snapshot/model.ts';
import { millisecondsOf } from '../probe/figures.ts';
import type { FloorReport, FloorRequest } from './floor.ts';

const LIMIT_NS = 10_000_000_000n;

/** Until the way of a request is compiled: the floor's requests leave as fast as they can. */
const WARM_UP_ROUNDS = 5;

type Thawed = Extract<FreezerEvent, { kind: 'thawed' }>;
type Synced = Extract<FreezerEvent, { kind: 'synced' }>;

class Floor {
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
    while (needsAnotherSettleRound(roundsMs)) {
      this.#heard = [];
      this.#freezer.syncfs(this.#all);
      await this.#until('synced');
      const synced = this.#heard.filter((event): event is Synced => event.kind === 'synced');
      roundsMs.push(
        Math.max(...synced.map(({ startNs, endNs }) => millisecondsOf(endNs - startNs))),
      );
    }
  }

  async freezeAndThaw(): Promise<FloorReport['freeze']> {
    await using guardian = await Guardian.start(this.#freezer);
    const armed = await guardian.arm(process.hrtime.bigint() + LIMIT_NS);
    this.#heard = [];
    this.#freezer.expedite();
    armed.freeze(this.#all);
    await this.#until('frozen');
    this.#freezer.restoreGracePeriods();
    this.#freezer.thaw(this.#all);
    await this.#until('thawed');
    armed.disarm();
    const frozen = this.#heard.filter((event) => event.kind === 'frozen');
    const thawed = this.#heard.filter((event): event is Thawed => event.kind === 'thawed');
    return {
      startMs: Math.min(...frozen.map(({ startNs }) => millisecondsOf(startNs))),
      barrierMs: Math.max(...frozen.map(({ endNs }) => millisecondsOf(endNs))),
      thawMs: Math.min(...thawed.map(({ startNs }) => millisecondsOf(startNs))),
      endMs: Math.max(...thawed.map(({ endNs }) => millisecondsOf(endNs))),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#freezer[Symbol.asyncDispose]();
  }

  async #until(kind: FreezerEvent['kind']): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#onEvent = () => {
      const failed = this.#heard.find(
        (event) => event.kind === 'freeze-failed' || event.kind === 'expired',
      );
      if (failed !== undefined) {
        reject(new Error(`the floor's freeze failed: ${failed.kind}`));
      } else if (this.#heard.filter((event) => event.kind === kind).length === this.#all.length) {
        resolve();
      }
    };
    await promise;
  }
}

/** The answers of one round: from the call that fires all to the last answer. */
class Answers {
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

  async fireAll(lanes: BlobLanes, count: number): Promise<number> {
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

async function measure({ mountPoints, urls, lanes: count }: FloorRequest): Promise<FloorReport> {
  const answers = new Answers();
  const targets = urls.map((url, index) => ({
    url,
    metadata: [],
    clientRequestId: `floor/${index}`,
  }));
  await using lanes = await BlobLanes.open(targets, {
    ...(count === undefined ? {} : { lanes: count }),
    onEvent: answers.hear,
  });
  await lanes.preflight();
  await using floor = new Floor(mountPoints);
  await floor.settle();
  const freeze = await floor.freezeAndThaw();
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
    await lanes.rewarm();
  }
  const requestsMs = await answers.fireAll(lanes, urls.length);
  await lanes.answers();
  return { freeze, requestsMs };
}

const request = JSON.parse(await text(process.stdin)) as FloorRequest;
process.stdout.write(JSON.stringify(await measure(request)));
