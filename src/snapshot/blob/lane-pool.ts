import { Piscina } from 'piscina';
import { LANE_PATH } from '../../program-files.ts';
import type { LaneTask } from './lane-messages.ts';

/**
 * Default number of lanes, for any number of targets. Measured on 2 cores shared with a server of 20 ms
 * latency, medians of 40 windows with 1, 2 and 4 lanes: with 4 and 16 targets one lane is the fastest;
 * with 64 the last request leaves after 1.6, 1.5 and 1.8 ms and the last answer is in after 25.5, 24.6
 * and 24.8 ms, with 155, 169 and 237 MB of memory. That millisecond is not worth the memory.
 */
export const DEFAULT_LANES = 1;

/** Assigns targets to lanes in turn, so that the lanes' counts differ by at most one. Returns the targets of each lane. */
export function roundRobin(targets: number, lanes: number): number[][] {
  const shares = Array.from({ length: Math.min(Math.max(1, lanes), targets) }, (): number[] => []);
  for (let target = 0; target < targets; target += 1) {
    shares[target % shares.length]?.push(target);
  }
  return shares;
}

/** One thread for each lane, each with one task that lasts until the pool is closed. */
export class LanePool implements AsyncDisposable {
  readonly #pool: Piscina<LaneTask, void>;

  constructor(lanes: number) {
    this.#pool = new Piscina<LaneTask, void>({
      filename: LANE_PATH,
      name: 'runLane',
      // Equal, because otherwise piscina ends idle threads, and their sockets with them.
      minThreads: lanes,
      maxThreads: lanes,
      concurrentTasksPerWorker: 1,
      // 'sync' would block the thread's event loop, and with it sockets, timers and TLS.
      atomics: 'disabled',
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
    });
  }

  run(task: LaneTask): Promise<void> {
    return this.#pool.run(task, { transferList: [task.port] });
  }

  /**
   * Call it when every lane runs. From then on a thread that dies is not replaced: a new one would have no
   * connection, and its start would take processor time from the threads that still run.
   */
  seal(): void {
    this.#pool.options.minThreads = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }
}
