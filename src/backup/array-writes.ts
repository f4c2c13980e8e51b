import { readFileSync } from 'node:fs';
import { BLOCK_DEVICES, type CountedWrites } from '../filesystems/write-counters.ts';

/**
 * md writes to the members of an array on its own account: within a fifth of a second after the last write it marks the
 * array clean, and later it clears bits of the write-intent bitmap. A restored array takes members whose marks differ by one
 * event, and nothing else of a member changes. So few writes need that.
 */
const MOST_MARKS = 16;

/**
 * The md arrays over one disk on which nothing but frozen file systems lies. If nothing was written through them, what was
 * written to the disk was md's own.
 */
export class ArrayWrites implements Disposable {
  /** Empty if what md writes cannot be told from other writes. */
  readonly #counters: readonly CountedWrites[];
  readonly #before: number[];

  private constructor(counters: readonly CountedWrites[]) {
    this.#counters = counters;
    this.#before = counters.map(() => 0);
  }

  /** @param isMoving whether md moves the data of an array, which changes far more than marks */
  static open(
    arrays: readonly string[],
    openCounter: (name: string) => CountedWrites | undefined,
    isMoving: (name: string) => boolean = movesData,
  ): ArrayWrites {
    if (arrays.some(isMoving)) {
      return new ArrayWrites([]);
    }
    const counters = arrays.flatMap((name) => openCounter(name) ?? []);
    const opened = new ArrayWrites(counters);
    if (counters.length === arrays.length) {
      return opened;
    }
    opened[Symbol.dispose]();
    return new ArrayWrites([]);
  }

  /** To be called before the disk's own counter is read. */
  readBefore(): void {
    for (const [index, counter] of this.#counters.entries()) {
      this.#before[index] = counter.read() + counter.completed + counter.discarded;
    }
  }

  /** Whether so many writes to the disk are md's own; to be called after the disk's counter has been read again. */
  explain(writes: number): boolean {
    let isQuiet = this.#counters.length > 0 && writes > 0 && writes <= MOST_MARKS;
    for (const [index, counter] of this.#counters.entries()) {
      const writing = counter.read();
      const all = counter.completed + counter.discarded;
      isQuiet = isQuiet && writing === 0 && !counter.isLost && all === this.#before[index];
    }
    return isQuiet;
  }

  [Symbol.dispose](): void {
    for (const counter of this.#counters) {
      counter[Symbol.dispose]();
    }
  }
}

/** Kernels without `sync_action` for an array cannot resync or reshape it. */
function movesData(name: string): boolean {
  try {
    const action = readFileSync(`${BLOCK_DEVICES}/${name}/md/sync_action`, 'utf8').trim();
    return action !== 'idle' && action !== 'frozen';
  } catch {
    return false;
  }
}
