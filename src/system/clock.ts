import { setTimeout as delay } from 'node:timers/promises';

/** `sleepUntil` notices a step of the wall clock within this time: timers of Node.js use the monotonic clock. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Waits until the wall clock (`Date.now()`) shows a time, and up to some ms longer. Resolves at once if that time has
 * passed; rejects with the signal's reason when aborted.
 */
export async function sleepUntil(atMs: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  for (let leftMs = atMs - Date.now(); leftMs > 0; leftMs = atMs - Date.now()) {
    await pause(Math.min(leftMs, LOOK_AGAIN_MS), signal);
  }
}

/** Waits for `ms` milliseconds. Rejects with the signal's reason when aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(Math.ceil(ms), undefined, signal && { signal }).catch(() => {});
  signal?.throwIfAborted();
}
