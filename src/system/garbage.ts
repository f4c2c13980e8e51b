import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { type: 'minor' }) => void;

/**
 * Makes a function that collects the garbage in this thread's young generation, which takes about 1 ms. A call right
 * before the window keeps the next collection out of the window: V8 collects when that space is full, and the
 * requests of one window do not fill it. V8 offers this function only with the flag.
 */
export function youngGarbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  return typeof collect === 'function' ? () => (collect as Collect)({ type: 'minor' }) : () => {};
}

/** Whether half of this thread's young generation is in use, garbage included; V8 collects when it is full. */
export function youngGenerationIsHalfFull(): boolean {
  const { usedBytes, sizeBytes } = youngGeneration();
  // V8 uses one half of the space for objects, and copies those that are left to the other one when it collects.
  return usedBytes > sizeBytes / 4;
}

/** V8 creates an array of this size among the young objects; a word has 8 bytes. */
const ARRAY_WORDS = 1_024;

/**
 * Uses all memory of this thread's young generation once, some milliseconds long. The kernel gives a page of memory at its
 * first use: in the window that took a lane 240 page faults with 64 disks, and an eighth of its processor time.
 */
export function touchYoungGeneration(): void {
  const arrays = youngGeneration().sizeBytes / (8 * ARRAY_WORDS);
  for (let made = 0; made < arrays; made += 1) {
    new Array<undefined>(ARRAY_WORDS).at(0);
  }
}

function youngGeneration(): { readonly usedBytes: number; readonly sizeBytes: number } {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  return { usedBytes: space?.space_used_size ?? 0, sizeBytes: space?.space_size ?? 0 };
}
