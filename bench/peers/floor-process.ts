/**
 * The floor, in a process of its own as what it is compared with: reads a FloorRequest on standard
 * input, prints a FloorReport. Between the two it freezes and thaws every file system at once and
 * nothing else, and then sends the same snapshot requests over warm connections with nothing frozen.
 */
import { text } from 'node:stream/consumers';
import { parseBlobs } from '../../src/snapshot/blob/blob.ts';
import { BlobLanes } from '../../src/snapshot/blob/lanes.ts';
import type { SnapshotEvent } from '../../src/snapshot/snapshot-types.ts';
import { millisecondsOf } from '../probe/figures.ts';
import { BareFreeze } from './bare-freeze.ts';
import type { FloorReport, FloorRequest } from './floor.ts';

const LIMIT_NS = 10_000_000_000n;

/** Until the way of a request is compiled: the floor's requests leave as fast as they can. */
const WARM_UP_ROUNDS = 5;

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
  const targets = parseBlobs(urls.map((url) => ({ url, device: undefined }))).map(
    (blob, index) => ({
      blob,
      metadata: [],
      clientRequestId: `floor/${index}`,
    }),
  );
  await using lanes = await BlobLanes.open(targets, {
    ...(count === undefined ? {} : { lanes: count }),
    onEvent: answers.hear,
  });
  await lanes.preflight();
  await using freezer = new BareFreeze(mountPoints);
  await freezer.settle();
  const freeze = await freezer.freezeAndThaw({ order: 'at-once', expedite: true });
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
    await lanes.rewarm();
  }
  const requestsMs = await answers.fireAll(lanes, urls.length);
  const snapshots = (await lanes.answers()).map(({ snapshot }) => snapshot ?? null);
  return { freeze, requestsMs, snapshots };
}

const request = JSON.parse(await text(process.stdin)) as FloorRequest;
process.stdout.write(JSON.stringify(await measure(request)));
