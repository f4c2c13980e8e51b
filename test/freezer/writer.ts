import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that writes one file, like any other writer of the machine. */
export class Writer {
  readonly #pid: number;
  readonly #closed: Promise<unknown[]>;
  #hasEnded = false;

  constructor(mountPoint: string) {
    const script = 'echo written > "$1"';
    const child = spawn('sh', ['-c', script, 'sh', join(mountPoint, `file-${process.hrtime()}`)], {
      stdio: 'ignore',
    });
    this.#pid = child.pid ?? 0;
    this.#closed = once(child, 'close');
    child.once('close', () => {
      this.#hasEnded = true;
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Resolves to true when it waits in the kernel for a thaw, to false when it has ended. */
  async isBlocked(): Promise<boolean> {
    while (!this.#hasEnded) {
      const wait = await readFile(`/proc/${this.#pid}/wchan`, 'utf8').catch(() => '');
      if (wait.startsWith('percpu_rwsem_wait')) {
        return true;
      }
      await sleep(1);
    }
    return false;
  }

  /** Resolves to its exit code. */
  async ended(): Promise<unknown> {
    const [code] = await this.#closed;
    return code;
  }
}

/** Resolves when a file can be written on each; if one is frozen, the test's time limit ends it. */
export async function writable(mountPoints: readonly string[]): Promise<void> {
  const codes = await Promise.all(mountPoints.map((mountPoint) => new Writer(mountPoint).ended()));
  if (codes.some((code) => code !== 0)) {
    throw new Error(`a writer ended with ${codes.join(', ')}`);
  }
}
