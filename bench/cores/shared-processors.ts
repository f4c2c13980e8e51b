/** Something that a thread does: it needs a processor for `leftMs` more, and then `done` is called. */
interface Work {
  leftMs: number;
  readonly done: () => void;
}

/**
 * Threads that share a number of processors, in simulated time. A thread does one work after the other. If more threads have
 * work than there are processors, each gets an equal share, as a fair scheduler gives it over some ms. Pure.
 */
export class SharedProcessors {
  readonly #cores: number;
  readonly #threads = new Map<string, Work[]>();
  #timers: { readonly atMs: number; readonly done: () => void }[] = [];
  #nowMs = 0;

  constructor(cores: number) {
    this.#cores = cores;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Queues work for the thread of that name. */
  run(thread: string, costMs: number, done: () => void): void {
    const queue = this.#threads.get(thread) ?? [];
    queue.push({ leftMs: costMs, done });
    this.#threads.set(thread, queue);
  }

  /** Calls `done` after a time in which no processor is needed. */
  wait(ms: number, done: () => void): void {
    this.#timers.push({ atMs: this.#nowMs + ms, done });
  }

  /** Lets time pass until nobody has anything left to do. */
  runToEnd(): void {
    while (this.#threads.size > 0 || this.#timers.length > 0) {
      this.#step();
    }
  }

  /** To the next end of a work or a wait. */
  #step(): void {
    const heads = [...this.#threads].flatMap(([thread, [head]]) =>
      head ? [{ thread, head }] : [],
    );
    const speed = Math.min(1, this.#cores / heads.length);
    const passedMs = Math.min(
      ...heads.map(({ head }) => head.leftMs / speed),
      ...this.#timers.map(({ atMs }) => atMs - this.#nowMs),
    );
    this.#nowMs += passedMs;
    for (const { head } of heads) {
      head.leftMs -= passedMs * speed;
    }
    const ended = heads.filter(({ head }) => head.leftMs <= ROUNDING_MS);
    for (const { thread } of ended) {
      this.#dequeue(thread);
    }
    const due = this.#timers.filter(({ atMs }) => atMs - this.#nowMs <= ROUNDING_MS);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { done } of [...ended.map(({ head }) => head), ...due]) {
      done();
    }
  }

  #dequeue(thread: string): void {
    const queue = this.#threads.get(thread) ?? [];
    queue.shift();
    if (queue.length === 0) {
      this.#threads.delete(thread);
    }
  }
}

const ROUNDING_MS = 1e-9;
