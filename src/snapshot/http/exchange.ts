import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import {
  Attempt,
  type AttemptOwner,
  type ExchangeConnection,
  failedTryOf,
  type RawAnswer,
} from './attempt.ts';
import type { HttpConnection } from './connection.ts';
import { type ExchangeEnd, refusedEnd } from './exchange-end.ts';
import { classifyError, errorCode } from './failures.ts';
import type { PreparedRequest } from './request.ts';
import {
  type AfterFailure,
  afterFailure,
  type FailedTry,
  mayHaveTakenEffect,
  SILENCE_MS,
} from './retry.ts';

/** How many bytes of an answer's body are kept; if the body is longer, the connection is cut. */
export const BODY_LIMIT_BYTES = 64 * 1_024;

export interface ExchangeListener {
  /** Called once; there will be no further try. */
  ended(target: number, succeeded: boolean, atNs: bigint): void;
}

/** For an exchange that is awaited. */
export const IGNORE_EVENTS: ExchangeListener = { ended: () => {} };

export interface ExchangeOptions {
  readonly target: number;
  readonly connection: ExchangeConnection;
  readonly request: PreparedRequest;
  /** Judges an answer by its status and headers. */
  readonly succeeds: (httpStatus: number, headers: IncomingHttpHeaders) => boolean;
  /** When a success is complete: with its head (if the body does not matter) or with its body. */
  readonly completeWith: 'head' | 'body';
  readonly listener: ExchangeListener;
  readonly maxTries?: number;
  readonly bodyLimitBytes?: number;
  /** Makes a connection for the second request of a silent exchange; missing: there is none. */
  readonly openAnother?: () => Pick<HttpConnection, 'dispatch' | 'drop' | 'close'>;
}

/**
 * One request with its tries, from `start` to exactly one `ended`. Created before the window; inside the
 * window it only sends, takes time stamps and stores the answer. If no answer comes for a while, the request is sent once
 * more on another connection; the first answer that is a success counts, and the other try is still listened to.
 */
export class Exchange implements AttemptOwner {
  readonly target: number;
  attempts = 0;
  firedNs: bigint | undefined;
  endedNs: bigint | undefined;
  end: ExchangeEnd | undefined;
  /** The first thing that went wrong: a failed try, or no answer for `SILENCE_MS`. */
  trouble: FailedTry | 'silent' | undefined;
  /** The last try that failed; undefined if none did. */
  lastFailed: FailedTry | undefined;
  /** Answers of other tries that succeeded too. */
  readonly surplus: RawAnswer[] = [];
  readonly bodyLimitBytes: number;
  /** Resolves when the exchange has ended. */
  readonly whenEnded: Promise<void>;
  readonly #resolveEnded: () => void;
  /** Resolves when everything is in: after `whenEnded` a body or the answer of another try may still be under way. */
  readonly whenAllIn: Promise<void>;
  readonly #resolveAllIn: () => void;
  readonly #options: ExchangeOptions;
  readonly #dispatchOptions: Dispatcher.DispatchOptions;
  readonly #underWay = new Set<Attempt>();
  #another: Pick<HttpConnection, 'dispatch' | 'drop' | 'close'> | undefined;
  /** The end that one try has come to while the other one is under way. */
  #provisionalEnd: ExchangeEnd | undefined;
  #lostEffect = false;
  #deadlineNs = 0n;
  #delay: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;

  constructor(options: ExchangeOptions) {
    this.target = options.target;
    this.bodyLimitBytes = options.bodyLimitBytes ?? BODY_LIMIT_BYTES;
    this.#options = options;
    const { method, path, headers, body } = options.request;
    this.#dispatchOptions = {
      method,
      path,
      headers: [...headers],
      ...(body === undefined ? {} : { body }),
    };
    const ended = Promise.withResolvers<void>();
    this.whenEnded = ended.promise;
    this.#resolveEnded = ended.resolve;
    const allIn = Promise.withResolvers<void>();
    this.whenAllIn = allIn.promise;
    this.#resolveAllIn = allIn.resolve;
  }

  get started(): boolean {
    return this.attempts > 0 || this.end !== undefined;
  }

  /** A try ended without showing whether it took effect, or has not been answered yet although another one has. */
  get mayHaveOrphan(): boolean {
    return this.#lostEffect || [...this.#underWay].some(({ answer, sent }) => sent && !answer);
  }

  /** @param deadlineNs CLOCK_MONOTONIC; no try begins after it. The caller has to cut the exchange at that time. */
  start(deadlineNs: bigint): void {
    this.#deadlineNs = deadlineNs;
    this.#send(this.#options.connection);
  }

  /** Ends the exchange now, even if a request is under way. */
  cut(reason: 'timeout' | 'aborted'): void {
    if (this.end === undefined) {
      this.#finish(this.#provisionalEnd ?? { kind: 'cut', reason });
      this.release();
    }
  }

  /** Cuts the tries that are still under way, and takes them for lost. */
  release(): void {
    const cut = [...this.#underWay];
    this.#underWay.clear();
    for (const { answer, sent, connection } of cut) {
      this.#lostEffect ||= answer === undefined ? sent : this.#mayHaveTakenEffect(answer);
      connection.drop();
    }
    this.#another?.close();
    this.#resolveAllIn();
  }

  left(): void {
    if (this.firedNs === undefined) {
      this.firedNs = process.hrtime.bigint();
    }
  }

  /** If the head of an answer decides the exchange, that is reported at once; a retry waits for the body. */
  headIn(attempt: Attempt, answer: RawAnswer): void {
    if (!this.#underWay.has(attempt)) {
      return;
    }
    if (this.#succeeds(answer)) {
      if (this.end !== undefined) {
        this.surplus.push(answer);
      } else if (this.#options.completeWith === 'head') {
        this.#finish({ kind: 'succeeded', answer });
      }
    } else if (this.end === undefined && this.#underWay.size === 1) {
      const failed = failedTryOf(answer);
      const next = this.#after(failed);
      if (next.kind !== 'again') {
        this.#giveUp(failed, refusedEnd(answer, next));
      }
    }
  }

  over(attempt: Attempt, error: unknown): void {
    if (!this.#underWay.delete(attempt)) {
      return;
    }
    if (this.end === undefined) {
      this.#conclude(attempt, error);
    } else if (attempt.answer === undefined) {
      this.#lostEffect ||= attempt.sent;
    }
    if (this.end !== undefined && this.#underWay.size === 0) {
      this.#resolveAllIn();
    }
  }

  #conclude(attempt: Attempt, error: unknown): void {
    const { answer, sent, connection } = attempt;
    if (answer !== undefined && !this.#succeeds(answer)) {
      const failed = failedTryOf(answer);
      const next = this.#after(failed);
      this.#goOn(failed, next, refusedEnd(answer, next), connection);
    } else if (answer !== undefined && (error === undefined || attempt.bodyIsCut)) {
      this.#finish({ kind: 'succeeded', answer });
    } else {
      const failure = classifyError(error, sent);
      const failed = { kind: 'broken', failure, sent } as const;
      const end = { kind: 'broken', failure, code: errorCode(error) } as const;
      this.#goOn(failed, this.#after(failed), end, connection);
    }
  }

  #goOn(
    failed: FailedTry,
    next: AfterFailure,
    end: ExchangeEnd,
    connection: ExchangeConnection,
  ): void {
    if (next.kind !== 'again' || this.#provisionalEnd !== undefined) {
      this.#giveUp(failed, end);
      return;
    }
    this.trouble ??= failed;
    this.lastFailed = failed;
    this.#lostEffect ||= mayHaveTakenEffect(failed);
    if (this.#another !== undefined && connection !== this.#another) {
      // The second request goes on in its place.
      return;
    }
    if (next.delayMs === 0) {
      // Not inside undici's own callback, because its bookkeeping is not finished.
      queueMicrotask(() => this.#send(connection));
    } else {
      this.#delay = setTimeout(() => this.#send(connection), next.delayMs);
    }
  }

  /** Ends the exchange, unless another try is under way: that one may still succeed. */
  #giveUp(failed: FailedTry, end: ExchangeEnd): void {
    this.trouble ??= failed;
    this.lastFailed = failed;
    this.#lostEffect ||= mayHaveTakenEffect(failed);
    // The answer of the service says more than a connection that broke.
    const isTold = this.#provisionalEnd?.kind === 'refused' && end.kind !== 'refused';
    this.#provisionalEnd = isTold ? this.#provisionalEnd : end;
    const others = [...this.#underWay].filter(({ answer }) => answer === undefined);
    if (others.length === 0) {
      this.#finish(this.#provisionalEnd ?? end);
    }
  }

  #after(failed: FailedTry): AfterFailure {
    const remainingMs = this.#remainingMs();
    return afterFailure(failed, this.attempts, remainingMs, this.#options.maxTries);
  }

  #send(connection: ExchangeConnection): void {
    if (this.end !== undefined) {
      return;
    }
    this.attempts += 1;
    const attempt = new Attempt(this, connection);
    this.#underWay.add(attempt);
    clearTimeout(this.#silence);
    if (this.#options.openAnother !== undefined && this.#another === undefined) {
      this.#silence = setTimeout(() => this.#sendAnother(), SILENCE_MS);
    }
    connection.dispatch(this.#dispatchOptions, attempt);
  }

  /** No answer has come: the connection may be dead, so the second request gets another one. */
  #sendAnother(): void {
    if (this.end === undefined && this.#underWay.size === 1 && this.#remainingMs() > 0) {
      this.trouble ??= 'silent';
      this.#another = this.#options.openAnother?.();
      this.#send(this.#another ?? this.#options.connection);
    }
  }

  #remainingMs(): number {
    return Number(this.#deadlineNs - process.hrtime.bigint()) / 1e6;
  }

  #succeeds({ httpStatus, headers }: RawAnswer): boolean {
    return this.#options.succeeds(httpStatus, headers);
  }

  #mayHaveTakenEffect(answer: RawAnswer): boolean {
    return !this.#succeeds(answer) && mayHaveTakenEffect(failedTryOf(answer));
  }

  #finish(end: ExchangeEnd): void {
    clearTimeout(this.#delay);
    clearTimeout(this.#silence);
    this.end = end;
    this.endedNs = process.hrtime.bigint();
    this.#options.listener.ended(this.target, end.kind === 'succeeded', this.endedNs);
    this.#resolveEnded();
  }
}

/** Cuts what has not ended at `deadlineNs` (CLOCK_MONOTONIC, to the millisecond). */
export function cutAt(
  deadlineNs: bigint,
  exchanges: readonly Pick<Exchange, 'cut'>[],
): NodeJS.Timeout {
  const remainingMs = Math.ceil(Number(deadlineNs - process.hrtime.bigint()) / 1e6);
  return setTimeout(
    () => {
      for (const exchange of exchanges) {
        exchange.cut('timeout');
      }
    },
    Math.max(remainingMs, 1),
  );
}
