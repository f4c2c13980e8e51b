import { setTimeout as delay } from 'node:timers/promises';

/** `sleepUntil` notices a step of the wall clock within this time: timers of Node.js use the monotonic clock. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Waits until the wall clock (`Date.now()`) shows a time, and up to some ms longer. Resolves at once if that time has
 * passed; rejects with the signal's reason when aborted.
 *
 * @param latestNs CLOCK_MONOTONIC; then the wait ends whatever the wall clock shows
 */
export async function sleepUntil(
  atMs: number,
  signal?: AbortSignal,
  latestNs?: bigint,
): Promise<void> {
  signal?.throwIfAborted();
  for (let leftMs = leftUntil(atMs, latestNs); leftMs > 0; leftMs = leftUntil(atMs, latestNs)) {
    await pause(Math.min(leftMs, LOOK_AGAIN_MS), signal);
  }
}

/** In ms; 0 or less if the time has come. Parameters as those of `sleepUntil`. */
export function leftUntil(atMs: number, latestNs: bigint | undefined): number {
  const byWallClock = atMs - Date.now();
  return latestNs === undefined
    ? byWallClock
    : Math.min(byWallClock, Number(latestNs - process.hrtime.bigint()) / 1e6);
}

/** Waits for `ms` milliseconds. Rejects with the signal's reason when aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(Math.ceil(ms), undefined, signal && { signal }).catch(() => {});
  signal?.throwIfAborted();
}
