import type { FreezerEvent } from '../freezer/model.ts';
import type { SnapshotEvent } from '../snapshot/model.ts';
import type { ScheduleInput } from './schedule/model.ts';
import { type DiskWatch, FreezeWindow, type WindowEffects } from './window.ts';

/** Enough for V8 to have compiled everything and seen its types. */
const ROUNDS = 5;

/**
 * Plays the window through beforehand, in a world where everything goes well and nothing is real: in
 * the real one no line of it is then run, and compiled, for the first time.
 */
export async function rehearse(input: ScheduleInput): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const world = new ObligingWorld();
    const window = new FreezeWindow(input, world, world, []);
    const ended = window.run();
    world.answer(window);
    await ended;
  }
}

/** Freezes, takes snapshots and thaws without fail, as soon as it is asked for answers. */
class ObligingWorld implements WindowEffects, DiskWatch {
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
