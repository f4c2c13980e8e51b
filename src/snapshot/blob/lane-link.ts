import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { SnapshotEvent } from '../snapshot-types.ts';
import type { LaneCommand, LaneReport, LaneTask } from './lane-messages.ts';
import type { LanePool } from './lane-pool.ts';

type Report<K extends LaneReport['kind']> = Extract<LaneReport, { kind: K }>;
/** The kinds of report that a lane sends once, on request or at its start. */
type Asked = 'ready' | 'preflight' | 'rewarm' | 'answers';

export interface LaneListener {
  /** Events of snapshot requests. */
  events(events: readonly SnapshotEvent[]): void;
  /** The lane's thread has died or was given up; it will send nothing more. Called once. */
  lost(link: LaneLink): void;
}

/** The main thread's side of one lane. */
export class LaneLink {
  readonly targets: readonly number[];
  readonly #port: MessagePort;
  readonly #listener: LaneListener;
  readonly #waiting = new Map<Asked, PromiseWithResolvers<LaneReport>>();
  #lostBecause: string | undefined;

  constructor(pool: LanePool, task: Omit<LaneTask, 'port'>, listener: LaneListener) {
    this.targets = task.work.targets.map(({ target }) => target);
    this.#listener = listener;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on('message', (report: LaneReport) => this.#hear(report));
    pool.run({ port: port2, ...task }).catch((error: unknown) => {
      this.giveUp(error instanceof Error ? error.message : 'for an unknown reason');
    });
  }

  /** Why the lane is lost; undefined if it is not. */
  get lostBecause(): string | undefined {
    return this.#lostBecause;
  }

  post(command: LaneCommand): void {
    this.#port.postMessage(command);
  }

  /** Requests the lane's report on `kind`. Throws `Error` if the lane is lost, or silent for `limitMs`. */
  async ask<K extends Exclude<Asked, 'ready'>>(kind: K, limitMs: number): Promise<Report<K>> {
    if (this.#lostBecause === undefined && !this.#waiting.has(kind)) {
      this.post({ kind });
    }
    return await this.hear(kind, limitMs);
  }

  /** Waits for the next report of a kind. */
  async hear<K extends Asked>(kind: K, limitMs: number): Promise<Report<K>> {
    if (this.#lostBecause !== undefined) {
      throw new Error(this.#lostBecause);
    }
    const waiting = this.#waiting.get(kind) ?? Promise.withResolvers<LaneReport>();
    this.#waiting.set(kind, waiting);
    const timer = setTimeout(() => this.giveUp(`no ${kind} within ${limitMs} ms`), limitMs);
    try {
      return (await waiting.promise) as Report<K>;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Declares the lane lost. May be repeated. */
  giveUp(reason: string): void {
    if (this.#lostBecause !== undefined) {
      return;
    }
    this.#lostBecause = reason;
    this.#port.close();
    for (const { reject } of this.#waiting.values()) {
      reject(new Error(reason));
    }
    this.#waiting.clear();
    this.#listener.lost(this);
  }

  #hear(report: LaneReport): void {
    if (report.kind !== 'events') {
      this.#waiting.get(report.kind)?.resolve(report);
      this.#waiting.delete(report.kind);
    } else if (report.purpose === 'snapshot') {
      this.#listener.events(report.events);
    }
  }
}
