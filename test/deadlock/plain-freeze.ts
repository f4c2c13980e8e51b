import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** An idle freeze takes about 10 ms here; a freeze that takes longer than this will not return by itself. */
const STUCK_AFTER_MS = 1500;
/** So often it is looked at until it sleeps in the kernel. */
const MOST_LOOKS = 20;

/** A FIFREEZE by fsfreeze(8): it has no deadline, and no process breaks it. */
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

  /** Whether it does not return in the time and its thread is in uninterruptible sleep. */
  async isStuck(): Promise<boolean> {
    const returned = this.ended.then(() => true);
    for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
      if (await Promise.race([returned, delay(STUCK_AFTER_MS, false)])) {
        return false;
      }
      // On a busy machine it may not have come to the kernel yet.
      if (/^State:\s+D/m.test(await readFile(`/proc/${this.pid}/status`, 'utf8'))) {
        return true;
      }
    }
    return false;
  }

  /** Its kernel stack. */
  async stack(): Promise<string> {
    return await readFile(`/proc/${this.pid}/stack`, 'utf8');
  }
}
