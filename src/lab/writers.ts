import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
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
  #stopped: Promise<readonly WriterTotals[]> | undefined;

  private constructor(child: ChildProcess, totals: Promise<readonly WriterTotals[]>) {
    this.#child = child;
    this.#totals = totals;
  }

  /** Their process. */
  get pid(): number {
    return this.#child.pid ?? 0;
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
    child.on('error', stopped.reject);
    child.on('exit', (code, signal) => {
      const reason = new Error(`The writers' process ended with ${code ?? signal}`);
      started.reject(reason);
      stopped.reject(reason);
    });
    // The caller that stops the writers gets the error.
    stopped.promise.catch(() => {});
    await started.promise;
    return new Writers(child, stopped.promise);
  }

  /** Ends them and their process; takes until the thaw if a file system is frozen. */
  stop(): Promise<readonly WriterTotals[]> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<readonly WriterTotals[]> {
    if (this.#child.connected) {
      const exited = once(this.#child, 'exit');
      this.#child.send('stop');
      await exited;
    }
    return await this.#totals;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
