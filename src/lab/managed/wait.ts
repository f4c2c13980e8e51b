import { setTimeout as sleep } from 'node:timers/promises';

/** Returns at once if there is nothing to wait for. */
export async function wait(ms: number): Promise<void> {
  if (ms > 0) {
    await sleep(ms);
  }
}

export const waitUntil = (dueMs: number): Promise<void> => wait(dueMs - performance.now());
