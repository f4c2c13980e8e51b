import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { chainDirectory } from './chain-files.ts';
import type { Chain } from './order.ts';
import type { WriterCommand, WriterOrder, WriterPlace, WriterReport } from './writer.ts';

/** A mounted file system, or a raw disk. */
export type WrittenPlace = { readonly mountPoint: string } | { readonly device: string };

function placeOf(place: WrittenPlace, { number }: Chain): WriterPlace {
  return 'mountPoint' in place
    ? { kind: 'files', directory: chainDirectory(place.mountPoint, number) }
    : { kind: 'raw', device: place.device };
}

/** One writer for each chain; all of them rest or all of them write. */
export class Writers implements AsyncDisposable {
  readonly #children: readonly ChildProcess[];

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
  }

  /** They rest at first. */
  static start(chains: readonly Chain[], places: readonly WrittenPlace[]): Writers {
    return new Writers(
      chains.map((chain) => {
        const order: WriterOrder = { chain, places: places.map((it) => placeOf(it, chain)) };
        return fork(join(import.meta.dirname, 'writer.ts'), [JSON.stringify(order)], {
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
          execArgv: [],
        });
      }),
    );
  }

  /** Number of durable records of each chain, from where it goes on. */
  go(): Promise<readonly number[]> {
    return this.#tell('go');
  }

  /** Number of durable records of each chain, none beyond is begun. */
  rest(): Promise<readonly number[]> {
    return this.#tell('rest');
  }

  /** Number of durable records of each chain; one more may be under way. */
  report(): Promise<readonly number[]> {
    return this.#tell('report');
  }

  /** A writer that is stuck on a frozen file system ends when that is thawed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode === null && child.signalCode === null) {
          const exited = once(child, 'exit');
          child.kill('SIGKILL');
          await exited;
        }
      }),
    );
  }

  #tell(command: WriterCommand): Promise<readonly number[]> {
    return Promise.all(this.#children.map((child) => tell(child, command)));
  }
}

/** Rejects if the writer ends instead of answering. */
async function tell(child: ChildProcess, command: WriterCommand): Promise<number> {
  const answered = new AbortController();
  const { signal } = answered;
  try {
    const reply = once(child, 'message', { signal });
    const death = once(child, 'exit', { signal }).then(([code]) => {
      throw new Error(`a writer ended with exit code ${code}`);
    });
    child.send(command);
    const [report] = (await Promise.race([reply, death])) as [WriterReport];
    return report.durable;
  } finally {
    answered.abort();
  }
}
