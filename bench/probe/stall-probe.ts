import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { type ProbePeriod, parsePeriod } from './figures.ts';

export interface ProbeOptions {
  /** Time between two writes to a file. */
  readonly intervalUs: number;
  /** `empty` leaves nothing dirty: shows what flushing costs by its absence. */
  readonly writes: ProbeWrites;
}

export const PROBE_WRITES = ['data', 'empty'] as const;
export type ProbeWrites = (typeof PROBE_WRITES)[number];

/** Writers on a set of files whose pauses are kept; runs until disposed. */
export class StallProbe implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  private constructor(executable: string, files: readonly string[], options: ProbeOptions) {
    const { intervalUs, writes } = options;
    this.#child = spawn(executable, [String(intervalUs), writes, ...files], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Resolves when every file is being written to. */
  static async start(
    executable: string,
    files: readonly string[],
    options: ProbeOptions,
  ): Promise<StallProbe> {
    const probe = new StallProbe(executable, files, options);
    await probe.#nextLine();
    return probe;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Begins a measuring period; what was measured before is forgotten. */
  begin(): void {
    this.#child.stdin.write('begin\n');
  }

  /** Ends the period. A pause that is still going on counts as it is. */
  async end(): Promise<ProbePeriod> {
    this.#child.stdin.write('end\n');
    return parsePeriod(await this.#nextLine());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.stdin.end();
      await once(this.#child, 'exit');
    }
  }

  async #nextLine(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done === true) {
      throw new Error('the stall probe has ended early; its reason stands above');
    }
    return value;
  }
}
