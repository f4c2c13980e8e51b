import { Piscina } from 'piscina';
import { LANE_PATH } from '../../program-files.ts';
import type { LaneTask } from './lane-messages.ts';

/**
 * Lanes by default, whatever the number of targets. Measured on 2 cores beside a server with 20 ms of
 * latency, medians of 40 windows with 1, 2 and 4 lanes: with 4 and 16 targets one lane is the fastest;
 * with 64 the last request is out after 1.6, 1.5 and 1.8 ms and the last answer in after 25.5, 24.6
 * and 24.8 ms, for 155, 169 and 237 MB of memory. That millisecond is not worth the memory.
 */
export const DEFAULT_LANES = 1;

/** The target numbers of each lane: dealt out in turn, so that lanes differ by one target at most. */
export function roundRobin(targets: number, lanes: number): number[][] {
  const hands = Array.from({ length: Math.min(Math.max(1, lanes), targets) }, (): number[] => []);
  for (let target = 0; target < targets; target += 1) {
    hands[target % hands.length]?.push(target);
  }
  return hands;
}

/** The pool: as many threads as lanes, each with one task that lasts until the pool is closed. */
export class LanePool implements AsyncDisposable {
  readonly #pool: Piscina<LaneTask, void>;

  constructor(lanes: number) {
    this.#pool = new Piscina<LaneTask, void>({
      filename: LANE_PATH,
      name: 'runLane',
      // Equal, or idle workers are reaped with their sockets.
      minThreads: lanes,
      maxThreads: lanes,
      concurrentTasksPerWorker: 1,
      // 'sync' parks the event loop of a worker, and with it sockets, timers and TLS.
      atomics: 'disabled',
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
    });
  }

  run(task: LaneTask): Promise<void> {
    return this.#pool.run(task, { transferList: [task.port] });
  }

  /**
   * To be called when every lane runs. A thread that dies is not replaced from then on: a new one
   * would have no connection, and its start would take the processor from those that still run.
   */
  seal(): void {
    this.#pool.options.minThreads = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }
}
