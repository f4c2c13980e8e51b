import type { FreezerEvent, Stamps } from '../freezer/freezer-types.ts';
import type { SnapshotEvent } from '../snapshot/snapshot-types.ts';
import { youngGarbageCollector } from '../system/garbage.ts';
import type { RunContext } from './context.ts';
import { type Flushed, flush } from './flush.ts';
import type { Prepared } from './prepare.ts';
import { rewarm } from './provider.ts';
import type { ScheduleInput } from './schedule/schedule-types.ts';
import { REWARM_AHEAD_MS, waitForStart } from './scheduled-start.ts';
import { type DiskWatch, FreezeWindow, type WindowEffects } from './window.ts';

/** What was proved so shortly before the last syncfs need not be proved again: no server closes as soon. */
const WARM_FOR_MS = 1_000;

/**
 * Rehearses the window and proves every connection. Done before applications are quiesced, so that they are
 * held only for the rest.
 *
 * @returns CLOCK_MONOTONIC; when the connections were proved
 * @throws FlashfreezeError if a connection is lost and cannot be made again, FF_INTERRUPTED
 */
export async function warmUp(
  context: RunContext,
  { schedule, provider }: Prepared,
): Promise<bigint> {
  await rehearse(schedule);
  await context.unlessAborted(rewarm(provider));
  return process.hrtime.bigint();
}

/**
 * The last step before the guardian is armed: flushes again what became dirty since, and proves the connections,
 * unless both were done a moment ago.
 *
 * @param warmNs when the connections were proved; undefined: the window has not been rehearsed either
 * @returns the last syncfs of each file system
 * @throws as `warmUp`
 */
export async function flushAndRewarm(
  context: RunContext,
  { freezer, schedule, provider }: Prepared,
  first: Flushed,
  warmNs: bigint | undefined,
): Promise<readonly Stamps[]> {
  const { request, abort, freezerEvents } = context;
  await waitForStart(request.startAt, REWARM_AHEAD_MS, abort);
  const isWarm =
    warmNs !== undefined && process.hrtime.bigint() - warmNs < BigInt(WARM_FOR_MS) * 1_000_000n;
  if (warmNs === undefined) {
    await rehearse(schedule);
  }
  // Garbage of the preflight and the rehearsal: left to itself V8 collects it in the middle of the window.
  youngGarbageCollector()();
  // Both at once: what becomes dirty while one waits for the other would be flushed in the window.
  const count = first.isFinished && request.settle ? schedule.fileSystems.length : 0;
  const [again] = await Promise.all([
    flush(freezer, count, freezerEvents),
    isWarm ? undefined : rewarm(provider),
  ]);
  return count === 0 ? first.last : again.last;
}

/** Enough for V8 to have compiled everything and seen its types. */
const ROUNDS = 5;

/**
 * Plays the window through beforehand, in a world where everything goes well and nothing is real: in
 * the real one no line of it is then run, and compiled, for the first time.
 */
export async function rehearse(input: ScheduleInput): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const world = new StubWorld();
    const window = new FreezeWindow(input, world, world, []);
    const ended = window.run();
    world.answer(window);
    await ended;
  }
}

/** Freezes, takes snapshots and thaws without fail, as soon as it is asked for answers. */
class StubWorld implements WindowEffects, DiskWatch {
  readonly #freezing: FreezerEvent[] = [];
  readonly #requested: SnapshotEvent[] = [];

  freeze(fileSystems: readonly number[]): void {
    for (const fileSystem of fileSystems) {
      this.#freezing.push({ kind: 'frozen', fileSystem, startNs: 1n, endNs: 2n });
    }
  }

  fire(targets: readonly number[]): void {
    for (const target of targets) {
      this.#requested.push({ kind: 'acknowledged', target, atNs: 3n });
    }
  }

  thaw(fileSystems: readonly number[]): void {
    for (const fileSystem of fileSystems) {
      this.#freezing.push({ kind: 'thawed', fileSystem, wasFrozen: true, startNs: 4n, endNs: 5n });
    }
  }

  cancelRequests(): void {}

  atBarrier(): void {}

  beforeRequests(): void {}

  afterAnswers(): void {}

  answer(window: FreezeWindow): void {
    for (;;) {
      const freezer = this.#freezing.shift();
      const snapshot = freezer === undefined ? this.#requested.shift() : undefined;
      if (freezer !== undefined) {
        window.onFreezerEvent(freezer);
      } else if (snapshot !== undefined) {
        window.onSnapshotEvent(snapshot);
      } else {
        return;
      }
    }
  }
}
