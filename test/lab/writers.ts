import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

/** What one directory's writer has done. */
export interface WriterTotals {
  readonly directory: string;
  /** Writes of 4 KiB, each synced. */
  readonly writes: number;
  /** The longest that one step (write, sync) has taken: what a freeze costs it. */
  readonly longestStallMs: number;
}

/** What the writers' process says. */
export type WriterMessage =
  | { readonly kind: 'started' }
  | { readonly kind: 'stopped'; readonly totals: readonly WriterTotals[] };

/** Writers on each directory, in a process of their own, slow enough to leave two cores usable. */
export class Writers implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #totals: Promise<readonly WriterTotals[]>;

  private constructor(child: ChildProcess, totals: Promise<readonly WriterTotals[]>) {
    this.#child = child;
    this.#totals = totals;
  }

  /** Resolves when each has written and synced for the first time. */
  static async start(directories: readonly string[]): Promise<Writers> {
    const started = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<readonly WriterTotals[]>();
    const child = fork(join(import.meta.dirname, 'fixtures/writer-process.ts'), directories, {
      env: { ...process.env, UV_THREADPOOL_SIZE: String(directories.length + 4) },
    });
    child.on('message', (message: WriterMessage) => {
      if (message.kind === 'started') {
        started.resolve();
      } else {
        stopped.resolve(message.totals);
      }
    });
    child.on('exit', (code, signal) => {
      const reason = new Error(`The writers' process ended with ${code ?? signal}`);
      started.reject(reason);
      stopped.reject(reason);
    });
    // Whoever stops the writers hears of it; nobody need.
    stopped.promise.catch(() => {});
    await started.promise;
    return new Writers(child, stopped.promise);
  }

  /** Ends them; takes until the thaw where a file system is frozen. The same answer each time. */
  async stop(): Promise<readonly WriterTotals[]> {
    if (this.#child.connected) {
      this.#child.send('stop');
    }
    return await this.#totals;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => {});
  }
}
