import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/**
 * One line each for number, source and destination; every copy runs beside the others and answers
 * `<number> <exit code>`. cp(1) copies data only and leaves holes as holes (SEEK_DATA, coreutils 9),
 * which Node has no call for. It is started by a shell, because a fork of the Node process stops the
 * event loop for 2 ms, a fork of the shell costs it nothing.
 */
const COPY_LOOP = `while IFS= read -r number && IFS= read -r from && IFS= read -r to; do
  { cp --sparse=auto -- "$from" "$to"; echo "$number $?"; } &
done
wait`;

/** Copies image files, as sparse as they are. */
export class ImageCopier implements AsyncDisposable {
  readonly #shell: ChildProcess;
  readonly #waiting = new Map<number, (exitCode: number) => void>();
  #count = 0;

  constructor() {
    this.#shell = spawn('/bin/sh', ['-c', COPY_LOOP], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#shell.stdout !== null) {
      createInterface({ input: this.#shell.stdout }).on('line', (line) => this.#settle(line));
    }
    this.#shell.on('exit', () => this.#settleAll());
  }

  /** Rejects if cp fails. Paths must hold no line feed. */
  async copy(from: string, to: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#count += 1;
    this.#waiting.set(this.#count, resolve);
    this.#shell.stdin?.write(`${this.#count}\n${from}\n${to}\n`);
    const exitCode = await promise;
    if (exitCode !== 0) {
      throw new Error(`cp of ${from} to ${to} ended with exit code ${exitCode}`);
    }
  }

  /** Waits for copies that are under way: they would write to the folder after it has been removed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#shell.exitCode === null && this.#shell.signalCode === null) {
      const exited = once(this.#shell, 'exit');
      this.#shell.stdin?.end();
      await exited;
    }
  }

  #settle(line: string): void {
    const [number, exitCode] = line.split(' ').map(Number);
    this.#waiting.get(number ?? 0)?.(exitCode ?? -1);
    this.#waiting.delete(number ?? 0);
  }

  #settleAll(): void {
    for (const resolve of this.#waiting.values()) {
      resolve(-1);
    }
    this.#waiting.clear();
  }
}
