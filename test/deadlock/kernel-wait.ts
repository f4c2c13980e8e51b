import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const LIMIT_MS = 120_000;
const LOOK_AGAIN_MS = 5;

/** Resolves when a process sleeps in a function of the kernel; rejects if it does not get there. */
export async function kernelWait(pid: number, where: string): Promise<void> {
  let last = '';
  for (let waitedMs = 0; waitedMs < LIMIT_MS; waitedMs += LOOK_AGAIN_MS) {
    last = await readFile(`/proc/${pid}/wchan`, 'utf8');
    if (last === where) {
      return;
    }
    await delay(LOOK_AGAIN_MS);
  }
  throw new Error(`process ${pid} did not come to wait in ${where}, but is in ${last}`);
}
