import { createSecureContext } from 'node:tls';
import type { MessagePort } from 'node:worker_threads';
import { touchYoungGeneration, youngGarbageCollector } from '../../system/garbage.ts';
import { inParallel } from '../../system/in-parallel.ts';
import { deadlineIn } from '../../system/stamps.ts';
import { trustAuthorities } from '../http/authorities.ts';
import type { ConnectionOptions } from '../http/connection.ts';
import { cutAt, type ExchangeListener } from '../http/exchange.ts';
import type { SnapshotEvent } from '../snapshot-types.ts';
import { BlobLaneTarget } from './blob-lane-target.ts';
import type { LaneCommand, LaneLimits, LaneReport, LaneTask, LaneWork } from './lane-messages.ts';
import type { LaneRequest, LaneTarget, RequestRehearsal } from './lane-types.ts';
import { NameMemory } from './name-memory.ts';

/** Connections a lane opens at the same time during the preflight. */
const PREFLIGHTS_AT_ONCE = 16;
/** Preflights per garbage collection. With 64 targets this saves 4 MB; a collection takes about 1 ms. */
const PREFLIGHTS_A_COLLECTION = 8;

/** Requests of a rehearsal, in all: by then V8 has compiled what it compiles; and at the same time. */
const REHEARSED_REQUESTS = 32;
const REHEARSED_AT_ONCE = 16;
/** An answer from memory takes less than 1 ms. */
const REHEARSAL_LIMIT_MS = 1_000;
/** Requests are written one turn of the event loop later: these leave before others are made ready. */
const REQUESTS_A_TURN = 8;

/** However many answers arrive in one turn of the event loop, each waits for few others. */
const MOST_ENDS_TOGETHER = 4;

/** The task of a lane's thread: it keeps its targets' connections until the thread is ended. */
export async function runLane({ port, work, limits, authorities }: LaneTask): Promise<void> {
  trustAuthorities(authorities);
  const names = new NameMemory();
  const connectionOptions = {
    connectTimeoutMs: limits.preflightTimeoutMs,
    secureContext: createSecureContext(),
    lookup: names.lookup,
  };
  const lane = new Lane(port, await targetsOf(work, connectionOptions), limits, names);
  await lane.run();
}

async function targetsOf(work: LaneWork, options: ConnectionOptions): Promise<LaneTarget[]> {
  if (work.kind === 'blobs') {
    return work.targets.map((target) => new BlobLaneTarget(target, options, work.encrypted));
  }
  // Imported only here: a run with blobs does not need it.
  const { DiskLaneTarget } = await import('../managed/disk-lane-target.ts');
  return work.targets.map((disk) => new DiskLaneTarget(disk, options));
}

class Lane {
  readonly #port: MessagePort;
  readonly #targets: readonly LaneTarget[];
  readonly #limits: LaneLimits;
  readonly #names: NameMemory;
  /** Of the snapshot requests of all rounds. */
  readonly #events: EventPost;
  readonly #collectYoungGarbage = youngGarbageCollector();
  /** One for each target and round, made before the window. */
  #requests = new Map<number, LaneRequest>();
  /** Fired; their turn has not come. */
  readonly #toStart: { readonly request: LaneRequest; readonly deadlineNs: bigint }[] = [];
  #timers: NodeJS.Timeout[] = [];
  #aborted = false;
  #rehearsed: Promise<void> = Promise.resolve();
  /** CLOCK_MONOTONIC; of the requests of this round. */
  #deadlineNs: bigint | undefined;
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
    this.#events = new EventPost(port, 'snapshot');
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
        this.#fire(command.targets, this.#requests, command.deadlineNs);
        break;
      case 'abort':
        this.#abort();
        break;
      case 'authorize':
        for (const target of this.#targets) {
          target.authorize?.(command.authorization);
        }
        break;
      case 'describe':
        this.#describe(command.values);
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

  #describe(values: Extract<LaneCommand, { kind: 'describe' }>['values']): void {
    for (const target of this.#targets) {
      target.describe(values[target.target] ?? []);
    }
    this.#beginRound();
  }

  /** An error here is a defect: the lane ends, and its targets fail with it. */
  #carryOut(work: Promise<void>): void {
    work.catch((error: unknown) => this.#over.reject(error));
  }

  #fire(
    targets: readonly number[],
    requests: ReadonlyMap<number, LaneRequest>,
    deadlineNs: bigint,
  ): void {
    this.#names.hold();
    this.#deadlineNs = deadlineNs;
    const fired: LaneRequest[] = [];
    for (const target of targets) {
      const request = requests.get(target);
      if (request !== undefined && !request.started) {
        fired.push(request);
      }
    }
    this.#timers.push(cutAt(deadlineNs, fired));
    if (this.#aborted) {
      cutAll(fired, 'aborted');
    } else {
      this.#toStart.push(...fired.map((request) => ({ request, deadlineNs })));
      this.#startSome();
    }
  }

  #startSome(): void {
    for (const { request, deadlineNs } of this.#toStart.splice(0, REQUESTS_A_TURN)) {
      if (!request.started) {
        request.start(deadlineNs);
      }
    }
    if (this.#toStart.length > 0) {
      setImmediate(() => this.#startSome());
    }
  }

  #abort(): void {
    this.#aborted = true;
    // On a busy machine the run may cancel before the timer of the deadline has run; the cause is the deadline then too.
    const isLate = this.#deadlineNs !== undefined && process.hrtime.bigint() >= this.#deadlineNs;
    const reason = isLate ? 'timeout' : 'aborted';
    cutAll(
      this.#toStart.splice(0).map(({ request }) => request),
      reason,
    );
    cutAll(
      [...this.#requests.values()].filter(({ started }) => started),
      reason,
    );
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
    this.#report({ kind: 'preflight', results });
    // The main thread plans meanwhile. Right before the freeze, V8 would compile in the window.
    this.#rehearsed = this.#rehearse();
    await this.#rehearsed;
  }

  /** Rehearses what the lane does in the window, from the order to fire to the last answer. */
  async #rehearse(): Promise<void> {
    const events = new EventPost(this.#port, 'rewarm');
    using ends = new DisposableStack();
    const rehearsals = new Map<number, RequestRehearsal>();
    for (const target of this.#targets.slice(0, REHEARSED_AT_ONCE)) {
      if (target.rehearsal !== undefined) {
        rehearsals.set(target.target, ends.use(target.rehearsal(events)));
      }
    }
    const targets = [...rehearsals.keys()];
    for (let left = REHEARSED_REQUESTS; left > 0 && targets.length > 0; left -= targets.length) {
      const requests = new Map<number, LaneRequest>();
      for (const [target, rehearsal] of rehearsals) {
        requests.set(target, rehearsal.request());
      }
      this.#fire(targets, requests, deadlineIn(REHEARSAL_LIMIT_MS));
      await Promise.all([...requests.values()].map((request) => request.answer()));
    }
    touchYoungGeneration();
  }

  async #rewarm(): Promise<void> {
    await this.#rehearsed;
    this.#abort();
    for (const request of this.#requests.values()) {
      request.release();
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
    this.#deadlineNs = undefined;
    this.#requests = new Map(
      this.#targets.map((target) => [target.target, target.snapshotRequest(this.#events)]),
    );
  }

  async #answers(): Promise<void> {
    const requests = [...this.#requests.values()];
    const results = await Promise.all(requests.map((request) => request.answer()));
    this.#report({ kind: 'answers', results });
  }

  /** The main thread has heard of every event when it gets a report. */
  #report(report: LaneReport): void {
    this.#events.send();
    this.#port.postMessage(report);
  }
}

function cutAll(requests: readonly LaneRequest[], reason: 'timeout' | 'aborted'): void {
  for (const request of requests) {
    request.cut(reason);
  }
}

/**
 * Sends events to the main thread: those of one turn of the event loop together, so that they do not delay the requests and
 * answers behind the first one. With 64 disks, a message for each answer took the main thread a fifth of its processor time.
 */
class EventPost implements ExchangeListener {
  readonly #port: MessagePort;
  readonly #purpose: 'rewarm' | 'snapshot';
  #waiting: SnapshotEvent[] = [];

  constructor(port: MessagePort, purpose: 'rewarm' | 'snapshot') {
    this.#port = port;
    this.#purpose = purpose;
  }

  ended(target: number, succeeded: boolean, atNs: bigint): void {
    this.#waiting.push({ kind: succeeded ? 'acknowledged' : 'failed', target, atNs });
    if (this.#waiting.length === MOST_ENDS_TOGETHER) {
      this.send();
    } else if (this.#waiting.length === 1) {
      setImmediate(() => this.send());
    }
  }

  /** Sends what waits now. */
  send(): void {
    if (this.#waiting.length > 0) {
      const events = this.#waiting;
      this.#waiting = [];
      this.#port.postMessage({ kind: 'events', purpose: this.#purpose, events });
    }
  }
}
