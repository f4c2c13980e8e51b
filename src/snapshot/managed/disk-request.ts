import type { LaneRequest } from '../blob/lane-types.ts';
import type { ExchangeConnection, RawAnswer } from '../http/attempt.ts';
import { Exchange, type ExchangeListener, type ExchangeOptions } from '../http/exchange.ts';
import type { PreparedRequest } from '../http/request.ts';
import type { SnapshotAnswer } from '../snapshot-types.ts';
import { answerUnsent } from './disk-answer.ts';
import {
  isAccepted,
  type PollWay,
  type Progress,
  pollWaysOf,
  progressOfPoll,
  progressOfPut,
} from './operation.ts';
import type { ServiceError } from './service-error.ts';

/** How a request for a snapshot ended. */
export type DiskEnd =
  | { readonly kind: 'succeeded' }
  /** The operation was accepted, and ended without a snapshot. */
  | { readonly kind: 'operation-failed'; readonly error: ServiceError }
  /** The request, or a question about its operation, did not succeed: that exchange has the reason. */
  | { readonly kind: 'exchange'; readonly exchange: Exchange }
  | { readonly kind: 'cut'; readonly reason: 'timeout' | 'aborted' }
  /** The service asked for a longer pause than there was time. */
  | { readonly kind: 'no-time'; readonly pauseMs: number; readonly remainingMs: number };

export interface DiskRequestOptions {
  readonly target: number;
  readonly origin: string;
  readonly connection: ExchangeConnection;
  readonly openAnother: NonNullable<ExchangeOptions['openAnother']>;
  readonly listener: ExchangeListener;
  /** The request that takes the snapshot. */
  readonly put: PreparedRequest;
  /** The question about the snapshot itself. */
  readonly get: PreparedRequest;
  readonly pollRequest: (path: string) => PreparedRequest;
  /** The pause between two questions if the service asks for none. */
  readonly pollMs: number;
  /** Makes the full answer of a request that has ended, after the thaw. */
  readonly inquire: (request: DiskRequest) => Promise<SnapshotAnswer>;
}

/** Also if the service asks for less: questions without a pause would take the processor from the freeze. */
const LEAST_PAUSE_MS = 100;

/**
 * The request for the snapshot of a managed disk, and the questions about its operation, over one warm connection. It
 * succeeds only when the operation or the snapshot itself says `Succeeded`: nothing else shows that the snapshot has its
 * point in time (managed-disks.md). A repeated request for one name never makes a second snapshot.
 */
export class DiskRequest implements LaneRequest {
  readonly put: Exchange;
  end: DiskEnd | undefined;
  endedNs: bigint | undefined;
  readonly #options: DiskRequestOptions;
  readonly #ended = Promise.withResolvers<void>();
  #poll: Exchange | undefined;
  #ways: readonly PollWay[] = [{ kind: 'resource' }];
  #timer: NodeJS.Timeout | undefined;
  #deadlineNs = 0n;

  constructor(options: DiskRequestOptions) {
    this.#options = options;
    this.put = this.#exchange(options.put, isAccepted, {
      ended: (_target, succeeded) => this.#putEnded(succeeded),
    });
  }

  get started(): boolean {
    return this.put.started || this.end !== undefined;
  }

  /** The answer that accepted the request. */
  get accepted(): RawAnswer | undefined {
    return this.put.end?.kind === 'succeeded' ? this.put.end.answer : undefined;
  }

  /** Whether a snapshot may exist because of this request. */
  get mayHaveSnapshot(): boolean {
    return this.accepted !== undefined || this.put.mayHaveOrphan;
  }

  start(deadlineNs: bigint): void {
    this.#deadlineNs = deadlineNs;
    this.put.start(deadlineNs);
  }

  cut(reason: 'timeout' | 'aborted'): void {
    if (this.end === undefined) {
      this.#finish({ kind: 'cut', reason });
      this.put.cut(reason);
      this.#poll?.cut(reason);
    }
  }

  release(): void {
    this.put.release();
    this.#poll?.release();
  }

  async answer(): Promise<SnapshotAnswer> {
    if (!this.started) {
      return answerUnsent(this.#options.target, this.#options.origin);
    }
    await this.#ended.promise;
    return await this.#options.inquire(this);
  }

  #putEnded(succeeded: boolean): void {
    if (this.end !== undefined) {
      return;
    }
    const { accepted } = this;
    if (succeeded && accepted !== undefined) {
      this.#ways = pollWaysOf(accepted, this.#options.origin);
      this.#proceed(progressOfPut(accepted));
    } else if (this.put.end?.kind === 'refused' && this.put.mayHaveOrphan) {
      // An earlier try may have been carried out; the refusal may be about its snapshot.
      this.#ways = [{ kind: 'resource' }];
      this.#soon(0);
    } else {
      this.#finish({ kind: 'exchange', exchange: this.put });
    }
  }

  #polled(poll: Exchange): void {
    if (this.end !== undefined) {
      return;
    }
    const [way] = this.#ways;
    if (poll.end?.kind === 'succeeded' && way !== undefined) {
      this.#proceed(progressOfPoll(way.kind, poll.end.answer));
    } else if (poll.end?.kind === 'refused' && poll.end.noTime === undefined) {
      this.#pollRefused(poll, poll.end.answer.httpStatus);
    } else {
      this.#finish({ kind: 'exchange', exchange: poll });
    }
  }

  /** The right to read operations may be missing, or the URL is not known (any more): the snapshot itself says it too. */
  #pollRefused(poll: Exchange, httpStatus: number): void {
    const isLast = this.#ways.length <= 1;
    if (!isLast) {
      this.#ways = this.#ways.slice(1);
      this.#soon(0);
    } else if (httpStatus === 404 && this.accepted !== undefined) {
      this.#soon(this.#options.pollMs);
    } else {
      this.#finish({ kind: 'exchange', exchange: this.accepted === undefined ? this.put : poll });
    }
  }

  #proceed(progress: Progress): void {
    switch (progress.kind) {
      case 'succeeded':
        this.#finish(progress);
        break;
      case 'failed':
        this.#finish({ kind: 'operation-failed', error: progress.error });
        break;
      case 'running':
        this.#next(progress.pauseMs);
        break;
      case 'unclear':
        this.#ways = this.#ways.length > 1 ? this.#ways.slice(1) : this.#ways;
        this.#soon(this.#options.pollMs);
    }
  }

  /** @param askedMs the pause that the service asked for */
  #next(askedMs: number | undefined): void {
    const remainingMs = Number(this.#deadlineNs - process.hrtime.bigint()) / 1e6;
    if (askedMs !== undefined && askedMs >= remainingMs) {
      this.#finish({ kind: 'no-time', pauseMs: askedMs, remainingMs: Math.max(0, remainingMs) });
    } else {
      this.#soon(Math.max(askedMs ?? this.#options.pollMs, LEAST_PAUSE_MS));
    }
  }

  /** Asks after a pause, if there is time for it. Never inside undici's own callback. */
  #soon(pauseMs: number): void {
    const remainingMs = Number(this.#deadlineNs - process.hrtime.bigint()) / 1e6;
    if (pauseMs >= remainingMs) {
      this.#finish({ kind: 'cut', reason: 'timeout' });
      return;
    }
    this.#timer = setTimeout(() => this.#ask(), pauseMs);
  }

  #ask(): void {
    if (this.end !== undefined) {
      return;
    }
    // What is still under way belongs to a connection that does not answer.
    this.put.release();
    this.#poll?.release();
    const { get, pollRequest } = this.#options;
    const [way] = this.#ways;
    const request = way === undefined || way.kind === 'resource' ? get : pollRequest(way.path);
    const poll: Exchange = this.#exchange(request, isAccepted, {
      ended: () => this.#polled(poll),
    });
    this.#poll = poll;
    poll.start(this.#deadlineNs);
  }

  #exchange(
    request: PreparedRequest,
    succeeds: (httpStatus: number) => boolean,
    listener: ExchangeListener,
  ): Exchange {
    const { target, connection, openAnother } = this.#options;
    return new Exchange({
      ...{ target, connection, request, succeeds, listener, openAnother },
      completeWith: 'body',
    });
  }

  #finish(end: DiskEnd): void {
    clearTimeout(this.#timer);
    this.end = end;
    this.endedNs = process.hrtime.bigint();
    this.#options.listener.ended(this.#options.target, end.kind === 'succeeded', this.endedNs);
    this.#ended.resolve();
  }
}
