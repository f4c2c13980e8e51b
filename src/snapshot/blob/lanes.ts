import { FlashfreezeError } from '../../errors.ts';
import type { NamedValue } from '../../restore-points/membership.ts';
import { machineAuthorities } from '../http/authorities.ts';
import { failureWithoutAnswer } from '../http/failures.ts';
import { patienceEndNs, USUAL_MS } from '../http/retry.ts';
import type {
  BlobTarget,
  Preflight,
  RequestFailure,
  Rewarmed,
  SnapshotAnswer,
  SnapshotEvent,
  SnapshotProvider,
} from '../snapshot-types.ts';
import { LaneLink } from './lane-link.ts';
import type { LaneLimits, LaneWork } from './lane-messages.ts';
import { DEFAULT_LANES, LanePool, roundRobin } from './lane-pool.ts';
import { prepareTarget } from './prepare-target.ts';
import { Round } from './round.ts';

export interface LanesOptions extends Partial<LaneLimits> {
  /** Number of threads; default: `DEFAULT_LANES`. */
  readonly lanes?: number;
  /** How long a request and its tries may hold the writers of its disk beyond the usual time, in ms. */
  readonly patienceMs?: number;
  /** Within which time an answer is usual, in ms: the patience counts from then on. */
  readonly usualMs?: number;
  /** How long the reading of the answers may take after the thaw, in ms, if the lanes ask the service for more then. */
  readonly inquiryMs?: number;
  /** Receives the events of fired targets; each target gets exactly one `acknowledged` or `failed`. */
  readonly onEvent?: (event: SnapshotEvent) => void;
}

export interface BlobLanesOptions extends LanesOptions {
  /** The VM has Azure Disk Encryption: the settings that unlock a disk are copied to its snapshot. */
  readonly encrypted?: boolean;
  /** URL of the proxy that a blob is reached through; if undefined or missing, there is none. */
  readonly proxyFor?: (url: string) => string | undefined;
}

export const DEFAULT_LIMITS: LaneLimits = { preflightTimeoutMs: 20_000, rewarmTimeoutMs: 4_000 };

/** The default of `patienceMs`. */
export const DEFAULT_PATIENCE_MS = 10_000;

/** How late a lane's thread may be, relative to its own deadlines, in ms. */
const GRACE_MS = 250;
/** For reports without a deadline of their own: the reading of answers. */
const REPORT_LIMIT_MS = 10_000;
/** For the start of the threads, while nothing is frozen: an emulated processor that others share takes more than 10 s. */
const START_LIMIT_MS = 60_000;

/**
 * The requests that take the snapshots: each target has one warm connection, held by a thread of a
 * pool, and one request that is ready to leave.
 *
 * Order of calls: `open`, `preflight`, then for each freeze attempt `rewarm`, `fire` (whenever disks
 * become ready), perhaps `abort`, and `answers` after the thaw. `rewarm` begins a new round: requests of
 * the former round are cut and forgotten.
 */
export class Lanes implements SnapshotProvider {
  readonly #pool: LanePool | undefined;
  /** The targets of each lane. */
  readonly #shares: readonly (readonly number[])[];
  readonly #work: LaneWork;
  readonly #limits: LaneLimits;
  readonly #patienceMs: number;
  readonly #usualMs: number;
  readonly #inquiryMs: number;
  readonly #links: LaneLink[] = [];
  readonly #linkOf: LaneLink[] = [];
  readonly #onEvent: (event: SnapshotEvent) => void;
  #round: Round;
  #disposed = false;

  protected constructor(work: LaneWork, options: LanesOptions) {
    this.#work = work;
    this.#shares = roundRobin(work.targets.length, options.lanes ?? DEFAULT_LANES);
    this.#pool = this.#shares.length === 0 ? undefined : new LanePool(this.#shares.length);
    this.#onEvent = options.onEvent ?? (() => {});
    this.#limits = {
      preflightTimeoutMs: options.preflightTimeoutMs ?? DEFAULT_LIMITS.preflightTimeoutMs,
      rewarmTimeoutMs: options.rewarmTimeoutMs ?? DEFAULT_LIMITS.rewarmTimeoutMs,
    };
    this.#patienceMs = options.patienceMs ?? DEFAULT_PATIENCE_MS;
    this.#usualMs = options.usualMs ?? USUAL_MS;
    this.#inquiryMs = options.inquiryMs ?? 0;
    this.#round = new Round();
  }

  /**
   * Starts the threads; connects nothing yet.
   *
   * @throws FlashfreezeError `FF_SNAPSHOT_FAILED` if a thread does not start
   */
  protected async start(): Promise<this> {
    try {
      await this.#startLanes();
    } catch (error) {
      await this[Symbol.asyncDispose]();
      const reason = error instanceof Error ? error.message : String(error);
      throw new FlashfreezeError(
        'FF_SNAPSHOT_FAILED',
        `a thread that sends snapshot requests ended while it was starting (${reason}); nothing was frozen: try again`,
      );
    }
    return this;
  }

  /** Gives every target the value of the Authorization header, for the requests from now on. */
  authorize(authorization: string): void {
    for (const link of this.#links) {
      if (link.lostBecause === undefined) {
        link.post({ kind: 'authorize', authorization });
      }
    }
  }

  describe(values: readonly (readonly NamedValue[])[]): void {
    for (const link of this.#links) {
      if (link.lostBecause === undefined) {
        link.post({ kind: 'describe', values });
      }
    }
  }

  /**
   * Connects to the service of every target, verifies TLS, and proves that the snapshot may be requested; of a blob it
   * reads the first `HEAD_BYTES` (matching/evidence.ts). One result for each target, in order. `ok: false` means that its
   * snapshot would fail.
   */
  async preflight(): Promise<readonly Preflight[]> {
    const limitMs = this.#limits.preflightTimeoutMs * Math.max(1, this.#work.targets.length);
    return await this.#askAll(
      async (link) => (await link.ask('preflight', limitMs + REPORT_LIMIT_MS)).results,
      (target, failure): Preflight => ({ ok: false, target, failure }),
    );
  }

  /**
   * Begins a round, right before the freeze: proves every connection with a cheap request and replaces the
   * dead ones. This also runs the whole code path of a snapshot request once.
   */
  async rewarm(): Promise<readonly Rewarmed[]> {
    const limitMs = this.#limits.rewarmTimeoutMs + REPORT_LIMIT_MS;
    const results = await this.#askAll(
      async (link) => (await link.ask('rewarm', limitMs)).results,
      (target, failure): Rewarmed => ({ ok: false, target, failure }),
    );
    // Of no target: so `fire` is not compiled in the window.
    this.fire([], process.hrtime.bigint());
    // Not earlier: the last events of the former round arrive before the reports.
    this.#round.end();
    this.#round = new Round();
    return results;
  }

  /**
   * Sends the snapshot requests of these targets at once. A target is fired once in a round; repeating it has
   * no effect. Never throws, and never waits.
   *
   * @param windowEndNs CLOCK_MONOTONIC; limits all tries, as the patience does. A target without an answer by then is
   * `failed`.
   */
  fire(targets: readonly number[], windowEndNs: bigint): void {
    const nowNs = process.hrtime.bigint();
    const deadlineNs = patienceEndNs(nowNs, this.#patienceMs, windowEndNs, this.#usualMs);
    for (const link of this.#links) {
      const own = targets.filter((target) => this.#linkOf[target] === link);
      if (own.length > 0 && link.lostBecause === undefined) {
        link.post({ kind: 'fire', targets: own, deadlineNs });
      } else if (own.length > 0) {
        queueMicrotask(() => this.#fail(own, 'again'));
      }
    }
    const round = this.#round;
    round.fired(targets, nowNs, deadlineNs);
    round.at(deadlineNs + BigInt(GRACE_MS * 1e6), () => {
      for (const target of round.open(targets)) {
        this.#linkOf[target]?.giveUp(`no answer ${GRACE_MS} ms after the deadline`);
      }
    });
  }

  /** Cuts the requests that are under way; every fired target without an end is `failed`. */
  abort(): void {
    for (const link of this.#links) {
      if (link.lostBecause === undefined) {
        link.post({ kind: 'abort' });
      }
    }
  }

  /**
   * The full answers of this round, one for each target in order. Waits for requests that are still under
   * way (at most until their deadline), so call it after the thaw.
   */
  async answers(): Promise<readonly SnapshotAnswer[]> {
    const round = this.#round;
    const limitMs = round.remainingMs() + GRACE_MS + REPORT_LIMIT_MS + this.#inquiryMs;
    return await this.#askAll(
      async (link) => (await link.ask('answers', limitMs)).results,
      (target, failure) => round.answerOfLost(target, failure),
    );
  }

  /** Ends the threads and all requests under way. No event follows. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#round.end();
    for (const link of this.#links) {
      link.giveUp('closed');
    }
    await this.#pool?.[Symbol.asyncDispose]();
  }

  async #startLanes(): Promise<void> {
    if (this.#pool === undefined) {
      return;
    }
    const common = { limits: this.#limits, authorities: machineAuthorities() };
    for (const share of this.#shares) {
      const task = { work: shareOf(this.#work, share), ...common };
      const link = new LaneLink(this.#pool, task, {
        events: (events) => this.#hear(events),
        lost: (lost) => this.#fail(lost.targets, 'first'),
      });
      this.#links.push(link);
      for (const target of share) {
        this.#linkOf[target] = link;
      }
    }
    await Promise.all(this.#links.map((link) => link.hear('ready', START_LIMIT_MS)));
    this.#pool.seal();
  }

  #hear(events: readonly SnapshotEvent[]): void {
    for (const event of events) {
      this.#round.note(event);
      if (!this.#disposed) {
        this.#onEvent(event);
      }
    }
  }

  /** Reports `failed` for targets of a lost lane; with `again` also for those that have ended already. */
  #fail(targets: readonly number[], when: 'first' | 'again'): void {
    const failed = when === 'again' ? targets : this.#round.open(targets);
    const atNs = process.hrtime.bigint();
    this.#hear(failed.map((target) => ({ kind: 'failed', target, atNs })));
  }

  /** Requests a report from every lane; for targets of a lost lane `ofLost` makes the result. */
  async #askAll<R extends { readonly target: number }>(
    ask: (link: LaneLink) => Promise<readonly R[]>,
    ofLost: (target: number, failure: RequestFailure) => R,
  ): Promise<R[]> {
    const results = await Promise.all(
      this.#links.map(async (link) => {
        try {
          return await ask(link);
        } catch {
          return link.targets.map((target) => ofLost(target, this.#lossOf(target)));
        }
      }),
    );
    return results.flat().sort((a, b) => a.target - b.target);
  }

  #lossOf(target: number): RequestFailure {
    const origin = this.#work.targets[target]?.origin ?? '';
    const failure = failureWithoutAnswer('aborted', origin);
    const reason = this.#linkOf[target]?.lostBecause ?? 'unknown';
    return { ...failure, message: `${failure.message}: its thread was lost (${reason})` };
  }
}

/** The lanes of page blobs. */
export class BlobLanes extends Lanes {
  /** @throws FlashfreezeError as `start`; `FF_CONFIG_INVALID` if a task id cannot be sent */
  static async open(
    targets: readonly BlobTarget[],
    options: BlobLanesOptions = {},
  ): Promise<BlobLanes> {
    const prepared = targets.map((target, index) =>
      prepareTarget(target, index, targets.length, options.proxyFor?.(target.blob.url)),
    );
    const encrypted = options.encrypted ?? false;
    return await new BlobLanes({ kind: 'blobs', targets: prepared, encrypted }, options).start();
  }
}

function shareOf(work: LaneWork, share: readonly number[]): LaneWork {
  const isOwn = ({ target }: { readonly target: number }): boolean => share.includes(target);
  return work.kind === 'blobs'
    ? { ...work, targets: work.targets.filter(isOwn) }
    : { ...work, targets: work.targets.filter(isOwn) };
}
