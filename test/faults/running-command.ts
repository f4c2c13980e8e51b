import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { productNode } from '../../bench/process/product-node.ts';
import { programPath } from '../../src/lab/program-path.ts';

export interface Ending {
  readonly exitCode: number | null;
  /** The signal that killed it. */
  readonly signal: NodeJS.Signals | null;
  /** CLOCK_MONOTONIC; when the process itself ended, which its output may outlive. */
  readonly atNs: bigint;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  /** A program and its arguments to run the command under. */
  readonly under?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Descriptor for standard output and standard error, in place of pipes; they are then not read. */
  readonly output?: number;
}

/** `flashfreeze` in a process of its own, to be watched, signalled and killed while it runs. */
export class RunningCommand implements Disposable {
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();
  /** Settles when the process has ended and its output is complete. Never rejects. */
  readonly ended: Promise<Ending>;
  /** The same, without waiting for whoever else may hold its output open. */
  readonly exited: Promise<unknown>;
  #stdout = '';
  #stderr = '';

  static start(args: readonly string[], options: StartOptions = {}): RunningCommand {
    return new RunningCommand(args, options);
  }

  private constructor(
    args: readonly string[],
    { under = [], environment = {}, output }: StartOptions,
  ) {
    const [program = '', ...rest] = [...under, ...productNode(), programPath(), ...args];
    const to = output ?? 'pipe';
    this.#child = spawn(program, rest, {
      stdio: ['ignore', to, to],
      env: { ...process.env, ...environment },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    let atNs = 0n;
    this.exited = once(this.#child, 'exit').then(() => {
      atNs = process.hrtime.bigint();
      this.#hear('');
    });
    this.ended = once(this.#child, 'close').then(([exitCode, signal]: unknown[]) => ({
      exitCode: exitCode as number | null,
      signal: signal as NodeJS.Signals | null,
      atNs,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it has printed to standard error so far. */
  get stderr(): string {
    return this.#stderr;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when standard error shows these words; rejects if the command ends without them. */
  async said(words: string): Promise<void> {
    while (!this.#stderr.includes(words)) {
      if (!this.isRunning) {
        throw new Error(`the command ended without saying "${words}":\n${this.#stderr}`);
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#listeners.add(resolve);
      await promise;
      this.#listeners.delete(resolve);
    }
  }

  /** Kills what is left of it. */
  [Symbol.dispose](): void {
    if (this.isRunning) {
      this.#child.kill('SIGKILL');
    }
  }

  #hear(text: string): void {
    this.#stderr += text;
    for (const resolve of this.#listeners) {
      resolve();
    }
  }
}
