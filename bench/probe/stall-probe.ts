import { LineProcess } from '../process/line-process.ts';
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
  readonly #process: LineProcess;

  private constructor(executable: string, files: readonly string[], options: ProbeOptions) {
    const { intervalUs, writes } = options;
    this.#process = new LineProcess('the stall probe', executable, [
      ...[String(intervalUs), writes],
      ...files,
    ]);
  }

  /** Resolves when every file is being written to. */
  static async start(
    executable: string,
    files: readonly string[],
    options: ProbeOptions,
  ): Promise<StallProbe> {
    const probe = new StallProbe(executable, files, options);
    await probe.#process.hear();
    return probe;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Begins a measuring period; what was measured before is forgotten. */
  begin(): void {
    this.#process.tell('begin');
  }

  /** Ends the period. A pause that is still going on counts as it is. */
  async end(): Promise<ProbePeriod> {
    this.#process.tell('end');
    return parsePeriod(await this.#process.hear());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
