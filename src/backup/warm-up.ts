import type { FreezerEvent, Stamps } from '../freezer/freezer-types.ts';
import type { SnapshotEvent } from '../snapshot/snapshot-types.ts';
import { youngGarbageCollector, youngGenerationIsHalfFull } from '../system/garbage.ts';
import { deadlineIn } from '../system/stamps.ts';
import type { RunContext } from './context.ts';
import { flushDirtyData } from './flush.ts';
import type { Prepared } from './prepare.ts';
import { rewarm } from './provider.ts';
import type { ScheduleInput } from './schedule/schedule-types.ts';
import { FreezeWindow } from './window.ts';
import { type WindowParts, windowEffects } from './window-effects.ts';
import { WriteWatch } from './write-watch.ts';

/** Connections that were tested this shortly before need no other test: no server closes one so soon. */
const WARM_FOR_MS = 1_000;

/**
 * Rehearses the window and tests every connection. The run does this before it quiesces applications, so that they are
 * quiesced only for the rest.
 *
 * @returns CLOCK_MONOTONIC; when the connections were tested
 * @throws FlashfreezeError if a connection is lost and cannot be made again, FF_INTERRUPTED
 */
export async function warmUp(
  context: RunContext,
  { schedule, provider }: Prepared,
): Promise<bigint> {
  await rehearse(schedule);
  await context.unlessAborted(rewarm(provider, (message) => context.warnOnce(message)));
  return process.hrtime.bigint();
}

/** What the window needs of the moment right before it. */
export interface Warm {
  /** The last syncfs of each file system. */
  readonly flushed: readonly Stamps[];
  /** For the first window. The run disposes of it. */
  readonly writes: WriteWatch;
}

/**
 * The last step before the guardian is armed: flushes new dirty data, and tests the connections unless they were tested
 * a moment ago. Meanwhile it opens the disks' write counters, which takes no time of the run then.
 *
 * @param warmNs when the connections were tested; undefined: the window has not been rehearsed either
 * @throws as `warmUp` and `flushDirtyData`
 */
export async function flushAndRewarm(
  context: RunContext,
  prepared: Prepared,
  warmNs: bigint | undefined,
): Promise<Warm> {
  const isWarm =
    warmNs !== undefined && process.hrtime.bigint() - warmNs < BigInt(WARM_FOR_MS) * 1_000_000n;
  if (warmNs === undefined) {
    await rehearse(prepared.schedule);
  }
  const collectYoungGarbage = youngGarbageCollector();
  // Collect the garbage of preflight and rehearsal now; V8 would collect it in the middle of the window.
  collectYoungGarbage();
  // Both at the same time: data that becomes dirty between the two would be flushed in the window.
  const [flushed, , writes] = await Promise.all([
    flushDirtyData(context, prepared),
    isWarm ? undefined : rewarm(prepared.provider, (message) => context.warnOnce(message)),
    watchWrites(context, prepared),
  ]);
  // With many disks, opening their counters has made so much more that V8 would.
  if (youngGenerationIsHalfFull()) {
    collectYoungGarbage();
  }
  return { flushed, writes };
}

async function watchWrites(context: RunContext, prepared: Prepared): Promise<WriteWatch> {
  return context.resources.use(WriteWatch.of(prepared));
}

/** After this many rounds V8 has compiled everything and seen its types. */
const ROUNDS = 5;
/** Of a rehearsed window; nothing in it takes that long. */
const REHEARSED = { timeoutMs: 10_000, waveLimitMs: 10_000 };

/**
 * Runs the window with stubs in which every call succeeds, so that no line is executed, and compiled, for the first time
 * in the real window.
 */
export async function rehearse(input: ScheduleInput): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const stub = new Stub();
    const parts = { freezer: stub, armed: stub, snapshots: stub, watch: stub };
    using watch = WriteWatch.open(new Array(input.targets.length).fill([]), [], () => false);
    const effects = windowEffects(REHEARSED, parts, deadlineIn(REHEARSED.timeoutMs));
    const window = new FreezeWindow(input, effects, watch, []);
    const ended = window.run();
    stub.answer(window);
    await ended;
  }
}

type Parts = WindowParts['freezer'] &
  NonNullable<WindowParts['armed']> &
  WindowParts['snapshots'] &
  WindowParts['watch'];

/** A stub whose freezes, snapshots and thaws all succeed; `answer` delivers their events. */
class Stub implements Parts {
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

  limit(): void {}

  begin(): void {}

  restoreGracePeriods(): void {}

  abort(): void {}

  [Symbol.dispose](): void {}

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
