import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** An idle freeze takes some 10 ms here; what has not returned after this will not by itself. */
const STUCK_AFTER_MS = 1500;

/** A FIFREEZE by fsfreeze(8): no deadline, nobody who breaks it. */
export class PlainFreeze {
  readonly pid: number;
  /** Exit code. */
  readonly ended: Promise<number>;

  private constructor(child: ChildProcess) {
    this.pid = child.pid ?? 0;
    this.ended = once(child, 'exit').then(([code]: unknown[]) => Number(code ?? 128));
  }

  static start(mountPoint: string): PlainFreeze {
    return new PlainFreeze(spawn('fsfreeze', ['--freeze', mountPoint], { stdio: 'ignore' }));
  }

  /** Whether it neither returns in the time nor is about to: its thread sleeps where no signal is seen. */
  async isStuck(): Promise<boolean> {
    const returned = this.ended.then(() => true);
    if (await Promise.race([returned, delay(STUCK_AFTER_MS, false)])) {
      return false;
    }
    return /^State:\s+D/m.test(await readFile(`/proc/${this.pid}/status`, 'utf8'));
  }

  /** Where in the kernel it is. */
  async stack(): Promise<string> {
    return await readFile(`/proc/${this.pid}/stack`, 'utf8');
  }
}
