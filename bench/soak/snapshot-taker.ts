import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { SoakRun } from './model.ts';

const PROGRAM = join(import.meta.dirname, 'soak-process.ts');

/** The process that takes one snapshot after the other. */
export class SnapshotProvider implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(urls: readonly string[]) {
    this.#child = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#child.stdin.write(`${JSON.stringify(urls)}\n`);
  }

  async takeSnapshot(): Promise<SoakRun> {
    this.#child.stdin.write('snapshot\n');
    const { done, value } = await this.#lines.next();
    if (done === true) {
      throw new Error('the process that takes the snapshots has ended; its reason stands above');
    }
    return JSON.parse(value) as SoakRun;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.stdin.end();
      await once(this.#child, 'exit');
    }
  }
}
