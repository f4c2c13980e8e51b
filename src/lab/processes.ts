import { setTimeout as delay } from 'node:timers/promises';

/** Sends the signal if the process is still there. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Resolves when the process has ended; for one that is not this process's child. */
export async function processEnd(pid: number): Promise<void> {
  while (signalProcess(pid, 0)) {
    await delay(20);
  }
}
