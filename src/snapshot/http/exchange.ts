import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { HttpConnection } from './connection.ts';
import { type BrokenKind, classifyError, errorCode } from './failures.ts';
import type { PreparedRequest } from './request.ts';
import {
  delayBeforeNextTryMs,
  type FailedTry,
  MAX_TRIES,
  mayHaveTakenEffect,
  parseRetryAfterMs,
} from './retry.ts';

/** Most that is kept of an answer's body, in bytes; a longer one gets its connection cut. */
export const BODY_LIMIT_BYTES = 64 * 1_024;

/** An answer as it came; nothing of the body is looked at while anything is frozen. */
export interface RawAnswer {
  readonly httpStatus: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array[];
}

/** How an exchange ended. */
export type ExchangeEnd =
  | { readonly kind: 'succeeded'; readonly answer: RawAnswer }
  /** The last answer was not the one asked for. */
  | { readonly kind: 'refused'; readonly answer: RawAnswer }
  | { readonly kind: 'broken'; readonly failure: BrokenKind; readonly code: string }
  | { readonly kind: 'cut'; readonly reason: 'timeout' | 'aborted' };

export interface ExchangeListener {
  /** The first try is being handed to the socket. */
  fired(target: number, atNs: bigint): void;
  /** Called once; there will be no further try. */
  ended(target: number, succeeded: boolean, atNs: bigint): void;
}

/** One connection, of a blob's or of the host's. */
export type ExchangeConnection = Pick<HttpConnection, 'dispatch' | 'drop'>;

export interface ExchangeOptions {
  readonly target: number;
  readonly connection: ExchangeConnection;
  readonly request: PreparedRequest;
  /** Judges an answer by its head alone. */
  readonly succeeds: (httpStatus: number, headers: IncomingHttpHeaders) => boolean;
  /** What a success is complete with: its head (the body is of no interest) or its body. */
  readonly completeWith: 'head' | 'body';
  readonly listener: ExchangeListener;
  readonly maxTries?: number;
  readonly bodyLimitBytes?: number;
}

/**
 * One request with its tries, from `start` to exactly one `ended`. Made before the window; inside
 * it does nothing but send, stamp and keep.
 */
export class Exchange {
  readonly target: number;
  attempts = 0;
  firedNs: bigint | undefined;
  endedNs: bigint | undefined;
  end: ExchangeEnd | undefined;
  /** A try ended in a way that leaves open whether it took effect. */
  mayHaveOrphan = false;
  readonly bodyLimitBytes: number;
  /** Resolves when the exchange has ended. */
  readonly whenEnded: Promise<void>;
  readonly #resolveEnded: () => void;
  /** Resolves when there is nothing more to come: after `whenEnded` the body of an answer may be. */
  readonly whenBodyIn: Promise<void>;
  readonly #resolveBodyIn: () => void;
  readonly #options: ExchangeOptions;
  readonly #dispatchOptions: Dispatcher.DispatchOptions;
  readonly #maxTries: number;
  #current: Attempt;
  #deadlineNs = 0n;
  #delay: NodeJS.Timeout | undefined;

  constructor(options: ExchangeOptions) {
    this.target = options.target;
    this.bodyLimitBytes = options.bodyLimitBytes ?? BODY_LIMIT_BYTES;
    this.#options = options;
    this.#maxTries = options.maxTries ?? MAX_TRIES;
    const { method, path, headers, body } = options.request;
    this.#dispatchOptions = {
      method,
      path,
      headers: [...headers],
      ...(body === undefined ? {} : { body }),
    };
    this.#current = new Attempt(this);
    const ended = Promise.withResolvers<void>();
    this.whenEnded = ended.promise;
    this.#resolveEnded = ended.resolve;
    const bodyIn = Promise.withResolvers<void>();
    this.whenBodyIn = bodyIn.promise;
    this.#resolveBodyIn = bodyIn.resolve;
  }

  get started(): boolean {
    return this.attempts > 0 || this.end !== undefined;
  }

  /** @param deadlineNs CLOCK_MONOTONIC; no try is begun after it. Who starts also cuts at it. */
  start(deadlineNs: bigint): void {
    this.#deadlineNs = deadlineNs;
    this.#send();
  }

  /** Ends the exchange now, whatever is under way. */
  cut(reason: 'timeout' | 'aborted'): void {
    if (this.end !== undefined) {
      return;
    }
    clearTimeout(this.#delay);
    const { answer, sent } = this.#current;
    this.mayHaveOrphan ||= answer === undefined ? sent : mayHaveTakenEffect(failedTryOf(answer));
    this.#finish({ kind: 'cut', reason });
    if (this.attempts > 0) {
      this.#options.connection.drop();
    }
  }

  left(): void {
    if (this.firedNs === undefined) {
      this.firedNs = process.hrtime.bigint();
      this.#options.listener.fired(this.target, this.firedNs);
    }
  }

  /** The head of an answer is in. What it decides is told at once; a retry waits for the body. */
  headIn(attempt: Attempt, answer: RawAnswer): void {
    if (attempt !== this.#current || this.end !== undefined) {
      return;
    }
    if (this.#succeeds(answer)) {
      if (this.#options.completeWith === 'head') {
        this.#finish({ kind: 'succeeded', answer });
      }
    } else if (this.#delayAfter(failedTryOf(answer)) === undefined) {
      this.#giveUp(failedTryOf(answer), { kind: 'refused', answer });
    }
  }

  /** The try is over: with an answer and its body, or with `error` in the midst of it. */
  over(attempt: Attempt, error: unknown): void {
    if (attempt !== this.#current) {
      return;
    }
    if (this.end === undefined) {
      this.#conclude(attempt, error);
    }
    if (this.end !== undefined) {
      this.#resolveBodyIn();
    }
  }

  #conclude(attempt: Attempt, error: unknown): void {
    const { answer, sent } = attempt;
    if (answer !== undefined && !this.#succeeds(answer)) {
      this.#again(failedTryOf(answer), { kind: 'refused', answer });
    } else if (answer !== undefined && (error === undefined || attempt.bodyIsCut)) {
      this.#finish({ kind: 'succeeded', answer });
    } else {
      const failure = classifyError(error, sent);
      const end = { kind: 'broken', failure, code: errorCode(error) } as const;
      this.#again({ kind: 'broken', failure, sent }, end);
    }
  }

  #succeeds({ httpStatus, headers }: RawAnswer): boolean {
    return this.#options.succeeds(httpStatus, headers);
  }

  #again(failed: FailedTry, end: ExchangeEnd): void {
    const delayMs = this.#delayAfter(failed);
    if (delayMs === undefined) {
      this.#giveUp(failed, end);
      return;
    }
    this.mayHaveOrphan ||= mayHaveTakenEffect(failed);
    this.#current = new Attempt(this);
    if (delayMs === 0) {
      // Not from inside undici's own callback, whose bookkeeping is not done yet.
      queueMicrotask(() => this.#send());
    } else {
      this.#delay = setTimeout(() => this.#send(), delayMs);
    }
  }

  #giveUp(failed: FailedTry, end: ExchangeEnd): void {
    this.mayHaveOrphan ||= mayHaveTakenEffect(failed);
    this.#finish(end);
  }

  #delayAfter(failed: FailedTry): number | undefined {
    const remainingMs = Number(this.#deadlineNs - process.hrtime.bigint()) / 1e6;
    return delayBeforeNextTryMs(failed, this.attempts, remainingMs, this.#maxTries);
  }

  #send(): void {
    if (this.end === undefined) {
      this.attempts += 1;
      this.#options.connection.dispatch(this.#dispatchOptions, this.#current);
    }
  }

  #finish(end: ExchangeEnd): void {
    this.end = end;
    this.endedNs = process.hrtime.bigint();
    this.#options.listener.ended(this.target, end.kind === 'succeeded', this.endedNs);
    this.#resolveEnded();
  }
}

/** What undici tells about one try. Told by identity, so that a late word of an old try is not heard. */
class Attempt implements Dispatcher.DispatchHandler {
  sent = false;
  answer: RawAnswer | undefined;
  bodyIsCut = false;
  readonly #exchange: Exchange;
  #bodyBytes = 0;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** Called in the same breath as the write to the socket, before it: so the stamp is never late. */
  onRequestStart(): void {
    this.sent = true;
    this.#exchange.left();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    httpStatus: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (httpStatus >= 200) {
      this.answer = { httpStatus, headers, body: [] };
      this.#exchange.headIn(this, this.answer);
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const room = this.#exchange.bodyLimitBytes - this.#bodyBytes;
    this.#bodyBytes += chunk.length;
    if (room > 0) {
      this.answer?.body.push(chunk.subarray(0, room));
    }
    if (chunk.length > room) {
      this.bodyIsCut = true;
      controller.abort(new Error('the rest of the body is not wanted'));
    }
  }

  onResponseEnd(): void {
    this.#exchange.over(this, undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#exchange.over(this, error);
  }
}

function failedTryOf({ httpStatus, headers }: RawAnswer): FailedTry {
  return {
    kind: 'answered',
    httpStatus,
    serviceCode: headerText(headers, 'x-ms-error-code'),
    retryAfterMs: parseRetryAfterMs(headerText(headers, 'retry-after')),
  };
}

/** Cuts what has not ended at `deadlineNs` (CLOCK_MONOTONIC, to the millisecond). */
export function cutAt(deadlineNs: bigint, exchanges: readonly Exchange[]): NodeJS.Timeout {
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

/** One header as text; undefined where it is missing or repeated. */
export function headerText(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
