import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Opens with O_TRUNC repeatedly and prints how each open ended: `+`, or `-` if it was refused. */
const LOOP = 'while true; do if true >"$0"; then echo +; else echo -; fi; done';

interface Opener {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  allowed: number;
  refused: number;
}

/**
 * Processes that open files with O_TRUNC without a pause. While such an open waits for a permission
 * daemon it holds the file system writable, so a freeze waits for it.
 */
export class Openers implements AsyncDisposable {
  readonly #openers: readonly Opener[];
  #progress = Promise.withResolvers<void>();

  private constructor(directory: string, count: number) {
    this.#openers = Array.from({ length: count }, (_, index) =>
      this.#start(join(directory, `truncated${index}`)),
    );
  }

  /** Resolves when each has opened its file. */
  static async start(directory: string, count = 3): Promise<Openers> {
    const openers = new Openers(directory, count);
    await openers.progress();
    return openers;
  }

  get pids(): number[] {
    return this.#openers.map(({ child }) => child.pid ?? 0);
  }

  /** Opens that ended with an error so far. */
  get refused(): number {
    return this.#openers.reduce((sum, { refused }) => sum + refused, 0);
  }

  /** Resolves when each has begun and ended an open from now on, allowed or not. */
  async progress(): Promise<void> {
    const before = this.#openers.map(countOf);
    const isThrough = (opener: Opener, index: number): boolean =>
      countOf(opener) >= (before[index] ?? 0) + 2;
    while (!this.#openers.every(isThrough)) {
      await this.#progress.promise;
    }
  }

  /** Ends them, even while they wait for a permission daemon. */
  kill(): void {
    for (const { child } of this.#openers) {
      child.kill('SIGKILL');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await Promise.all(this.#openers.map(({ ended }) => ended));
  }

  #start(file: string): Opener {
    const child = spawn('sh', ['-c', LOOP, file], { stdio: ['ignore', 'pipe', 'ignore'] });
    const opener = { child, ended: once(child, 'exit'), allowed: 0, refused: 0 };
    child.stdout.on('data', (chunk: Buffer) => {
      const text = chunk.toString();
      opener.allowed += text.split('+').length - 1;
      opener.refused += text.split('-').length - 1;
      this.#progress.resolve();
      this.#progress = Promise.withResolvers();
    });
    return opener;
  }
}

function countOf({ allowed, refused }: Opener): number {
  return allowed + refused;
}
