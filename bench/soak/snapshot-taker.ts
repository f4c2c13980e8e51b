import { join } from 'node:path';
import { LineProcess } from '../process/line-process.ts';
import { productNode } from '../process/product-node.ts';
import type { SoakRun } from './model.ts';

const [NODE = process.execPath, ...OPTIONS] = productNode();
const PROGRAM = join(import.meta.dirname, 'soak-process.ts');

/** The process that takes one snapshot after the other. */
export class SnapshotTaker implements AsyncDisposable {
  readonly #process = new LineProcess('the process that takes the snapshots', NODE, [
    ...OPTIONS,
    PROGRAM,
  ]);

  constructor(urls: readonly string[]) {
    this.#process.tell(JSON.stringify(urls));
  }

  async takeSnapshot(): Promise<SoakRun> {
    this.#process.tell('snapshot');
    return JSON.parse(await this.#process.hear()) as SoakRun;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
