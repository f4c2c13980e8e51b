import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

/**
 * Writes to a file at each line read and answers with a line; blocks while its file system is frozen.
 * A process of its own, because such a write sleeps uninterruptibly and would take a thread of
 * the test with it.
 */
const LOOP = 'while read -r _; do if echo probe > "$1"; then echo ok; else echo failed; fi; done';

/** One write. Times are CLOCK_MONOTONIC. */
export interface ProbeWrite {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** Finds out whether a file system can be written. */
export class WriteProbe implements Disposable {
  readonly mountPoint: string;
  readonly #child: ChildProcess;
  #answer = Promise.withResolvers<void>();

  constructor(mountPoint: string) {
    this.mountPoint = mountPoint;
    this.#child = spawn('sh', ['-c', LOOP, 'sh', join(mountPoint, 'probe')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (text.startsWith('ok')) {
        this.#answer.resolve();
      } else {
        this.#answer.reject(new Error(`${mountPoint} cannot be written`));
      }
    });
    this.#child.stdin?.on('error', () => {});
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /**
   * Resolves when the write has gone through: at once, or after the thaw; rejects if the file system
   * refuses it. One at a time.
   */
  async write(): Promise<ProbeWrite> {
    this.#answer = Promise.withResolvers();
    const startNs = process.hrtime.bigint();
    this.#child.stdin?.write('\n');
    await this.#answer.promise;
    return { startNs, endNs: process.hrtime.bigint() };
  }

  [Symbol.dispose](): void {
    this.#child.stdin?.end();
    this.#child.kill('SIGKILL');
  }
}

/** A probe for each; fails if one cannot be started. */
export function probesOf(disks: readonly { readonly mountPoint: string }[]): WriteProbe[] {
  return disks.map(({ mountPoint }) => new WriteProbe(mountPoint));
}
