import type { CountedWrites } from '../filesystems/write-counters.ts';

/**
 * The kernel needs some microseconds unless it is interrupted; on a machine with several times as many busy threads as
 * processors, its thread may wait for some turns of theirs. All readings of a window wait for no longer than this in
 * sum, because everything is frozen meanwhile; then the set may be lost.
 */
export const COUNTING_LIMIT_MS = 250;
/** Readings before the processor is left to others. */
const LOOKS_AT_ONCE = 20;
const PAUSE_MS = 0.05;
/** Nothing ever wakes it. */
const NEVER_WOKEN = new Int32Array(new SharedArrayBuffer(4));

/** For how long the readings of a window may still wait. */
export class WaitingTime {
  #leftMs: number;

  constructor(leftMs: number) {
    this.#leftMs = leftMs;
  }

  /** Calls `again` until it returns false, or until the time is used up. */
  repeat(again: () => boolean): void {
    const beginMs = performance.now();
    let looks = 1;
    while (performance.now() - beginMs < this.#leftMs && again()) {
      looks += 1;
      if (looks >= LOOKS_AT_ONCE) {
        Atomics.wait(NEVER_WOKEN, 0, 0, PAUSE_MS);
      }
    }
    this.#leftMs -= performance.now() - beginMs;
  }
}

/**
 * Reads a counter, again until it stands still. The kernel reports the last writes of a freeze as complete a moment before it
 * counts them; on a busy machine its thread may be interrupted between the two, and may even wait for this thread's
 * processor. That moment is waited for, because the disk would count as changed. The kernel has no event for it.
 *
 * @param waitsForDiscards only file systems that are frozen lie on the disk: what is in flight is then probably a discard,
 * of which nothing shows that it is one before it ends. If sectors are written meanwhile, it is none.
 * @returns how much is under way
 */
export function readSettled(
  counter: CountedWrites,
  waitsForDiscards: boolean,
  waiting: WaitingTime,
): number {
  let writing = counter.read();
  let { sectors } = counter;
  const isUnsettled = (): boolean =>
    counter.isCounting || (waitsForDiscards && writing > 0 && counter.sectors === sectors);
  if (isUnsettled()) {
    waiting.repeat(() => {
      const wasCounting = counter.isCounting;
      writing = counter.read();
      sectors = wasCounting ? counter.sectors : sectors;
      return isUnsettled();
    });
  }
  return writing;
}
