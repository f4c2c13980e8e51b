import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import type { MessagePort } from 'node:worker_threads';
import { youngGarbageCollector } from '../../system/garbage.ts';
import { cutAt, type Exchange, type ExchangeListener } from '../http/exchange.ts';
import type { SnapshotEvent } from '../snapshot-types.ts';
import { snapshotAnswer } from './answers.ts';
import type { LaneCommand, LaneLimits, LaneReport, LaneTask } from './lane-messages.ts';
import { LaneTarget, type SnapshotExchange } from './lane-target.ts';
import { NameMemory } from './name-memory.ts';

/** Connections a lane opens at the same time during the preflight. */
const PREFLIGHTS_AT_ONCE = 16;
/** Preflights per garbage collection. With 64 targets this saves 4 MB; a collection takes about 1 ms. */
const PREFLIGHTS_A_COLLECTION = 8;

/**
 * How long the reading of answers waits for what is still under way, in ms: the other of two tries, and the body of a
 * refusal, which is needed only if its code is not in the headers, as in versions of the service before 2017-07-29.
 */
const BODY_LIMIT_MS = 500;

/** The task of a lane's thread: it keeps its targets' connections until the thread is ended. */
export async function runLane({ port, targets, limits, encrypted }: LaneTask): Promise<void> {
  const names = new NameMemory();
  const connectionOptions = {
    connectTimeoutMs: limits.preflightTimeoutMs,
    secureContext: createSecureContext(),
    lookup: names.lookup,
  };
  const lane = new Lane(
    port,
    targets.map((target) => new LaneTarget(target, connectionOptions, encrypted)),
    limits,
    names,
  );
  await lane.run();
}

class Lane {
  readonly #port: MessagePort;
  readonly #targets: readonly LaneTarget[];
  readonly #limits: LaneLimits;
  readonly #names: NameMemory;
  readonly #collectYoungGarbage = youngGarbageCollector();
  /** One for each target and round, made before the window. */
  #exchanges = new Map<number, SnapshotExchange>();
  #timers: NodeJS.Timeout[] = [];
  #aborted = false;
  readonly #over = Promise.withResolvers<never>();

  constructor(
    port: MessagePort,
    targets: readonly LaneTarget[],
    limits: LaneLimits,
    names: NameMemory,
  ) {
    this.#port = port;
    this.#targets = targets;
    this.#limits = limits;
    this.#names = names;
    this.#beginRound();
  }

  run(): Promise<never> {
    this.#port.on('message', (command: LaneCommand) => this.#obey(command));
    this.#report({ kind: 'ready' });
    return this.#over.promise;
  }

  #obey(command: LaneCommand): void {
    switch (command.kind) {
      case 'fire':
        this.#fire(command.targets, command.deadlineNs);
        break;
      case 'abort':
        this.#abort();
        break;
      case 'preflight':
        this.#carryOut(this.#preflight());
        break;
      case 'rewarm':
        this.#carryOut(this.#rewarm());
        break;
      case 'answers':
        this.#carryOut(this.#answers());
    }
  }

  /** An error here is a defect: the lane ends, and its targets fail with it. */
  #carryOut(work: Promise<void>): void {
    work.catch((error: unknown) => this.#over.reject(error));
  }

  #fire(targets: readonly number[], deadlineNs: bigint): void {
    this.#names.hold();
    const fired: Exchange[] = [];
    for (const target of targets) {
      const exchange = this.#exchanges.get(target)?.exchange;
      if (exchange !== undefined && !exchange.started) {
        fired.push(exchange);
        if (this.#aborted) {
          exchange.cut('aborted');
        } else {
          exchange.start(deadlineNs);
        }
      }
    }
    this.#timers.push(cutAt(deadlineNs, fired));
  }

  #abort(): void {
    this.#aborted = true;
    for (const { exchange } of this.#exchanges.values()) {
      if (exchange.started) {
        exchange.cut('aborted');
      }
    }
  }

  async #preflight(): Promise<void> {
    let done = 0;
    const results = await inParallel(this.#targets, PREFLIGHTS_AT_ONCE, async (target) => {
      const result = await target.preflight(this.#limits);
      done += 1;
      // The buffers that a head was read through are many times its size, and garbage now.
      if (done % PREFLIGHTS_A_COLLECTION === 0) {
        this.#collectYoungGarbage();
      }
      return result;
    });
    const heads = results
      .map((result) => (result.ok ? result.head.buffer : undefined))
      .filter((buffer) => buffer instanceof ArrayBuffer);
    this.#port.postMessage({ kind: 'preflight', results } satisfies LaneReport, heads);
  }

  async #rewarm(): Promise<void> {
    this.#abort();
    for (const { exchange } of this.#exchanges.values()) {
      exchange.release();
    }
    this.#names.release();
    const events = new EventPost(this.#port, 'rewarm');
    const results = await Promise.all(
      this.#targets.map((target) => target.rewarm(this.#limits, events)),
    );
    this.#beginRound();
    this.#collectYoungGarbage();
    this.#report({ kind: 'rewarm', results });
  }

  #beginRound(): void {
    for (const timer of this.#timers) {
      clearTimeout(timer);
    }
    this.#timers = [];
    this.#aborted = false;
    const events = new EventPost(this.#port, 'snapshot');
    this.#exchanges = new Map(
      this.#targets.map((target) => [target.prepared.target, target.snapshotExchange(events)]),
    );
  }

  async #answers(): Promise<void> {
    const started = [...this.#exchanges.values()]
      .map(({ exchange }) => exchange)
      .filter((exchange) => exchange.started);
    await Promise.all(started.map((exchange) => exchange.whenEnded));
    const open = started.filter(({ end, attempts }) => end?.kind === 'refused' || attempts > 1);
    const bodies = Promise.all(open.map((exchange) => exchange.whenAllIn));
    await Promise.race([bodies, setTimeoutPromise(BODY_LIMIT_MS, undefined, { ref: false })]);
    const results = this.#targets.flatMap(({ prepared }) => {
      const made = this.#exchanges.get(prepared.target);
      return made === undefined ? [] : [snapshotAnswer(made.exchange, prepared, made.mark)];
    });
    this.#report({ kind: 'answers', results });
  }

  #report(report: LaneReport): void {
    this.#port.postMessage(report);
  }
}

/**
 * Sends events to the main thread. `fired` events are sent together, one turn of the event loop later, so
 * that they do not delay the requests after the first one. An end is sent at once.
 */
class EventPost implements ExchangeListener {
  readonly #port: MessagePort;
  readonly #purpose: 'rewarm' | 'snapshot';
  #waiting: SnapshotEvent[] = [];

  constructor(port: MessagePort, purpose: 'rewarm' | 'snapshot') {
    this.#port = port;
    this.#purpose = purpose;
  }

  fired(target: number, atNs: bigint): void {
    this.#waiting.push({ kind: 'fired', target, atNs });
    if (this.#waiting.length === 1) {
      setImmediate(() => this.#send());
    }
  }

  ended(target: number, succeeded: boolean, atNs: bigint): void {
    this.#waiting.push({ kind: succeeded ? 'acknowledged' : 'failed', target, atNs });
    this.#send();
  }

  #send(): void {
    if (this.#waiting.length > 0) {
      const events = this.#waiting;
      this.#waiting = [];
      this.#port.postMessage({ kind: 'events', purpose: this.#purpose, events });
    }
  }
}

/** Results in the order of the items, with at most `atOnce` under way. */
async function inParallel<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Map<number, R>();
  const waiting = items.entries();
  const runner = async (): Promise<void> => {
    for (const [index, item] of waiting) {
      results.set(index, await work(item));
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, runner));
  return [...results.entries()].sort(([a], [b]) => a - b).map(([, result]) => result);
}
