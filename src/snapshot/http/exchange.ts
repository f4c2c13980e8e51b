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

/** How many bytes of an answer's body are kept; if the body is longer, the connection is cut. */
export const BODY_LIMIT_BYTES = 64 * 1_024;

/** An answer as received; its body is not read while anything is frozen. */
export interface RawAnswer {
  readonly httpStatus: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array[];
}

/** How an exchange ended. */
export type ExchangeEnd =
  | { readonly kind: 'succeeded'; readonly answer: RawAnswer }
  /** The last answer was not a success. */
  | { readonly kind: 'refused'; readonly answer: RawAnswer }
  | { readonly kind: 'broken'; readonly failure: BrokenKind; readonly code: string }
  | { readonly kind: 'cut'; readonly reason: 'timeout' | 'aborted' };

export interface ExchangeListener {
  /** The first try is about to be written to the socket. */
  fired(target: number, atNs: bigint): void;
  /** Called once; there will be no further try. */
  ended(target: number, succeeded: boolean, atNs: bigint): void;
}

/** A connection to a blob or to the host. */
export type ExchangeConnection = Pick<HttpConnection, 'dispatch' | 'drop'>;

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
}

/**
 * One request with its tries, from `start` to exactly one `ended`. Created before the window; inside the
 * window it only sends, takes time stamps and stores the answer.
 */
export class Exchange {
  readonly target: number;
  attempts = 0;
  firedNs: bigint | undefined;
  endedNs: bigint | undefined;
  end: ExchangeEnd | undefined;
  /** A try ended without showing whether it took effect. */
  mayHaveOrphan = false;
  readonly bodyLimitBytes: number;
  /** Resolves when the exchange has ended. */
  readonly whenEnded: Promise<void>;
  readonly #resolveEnded: () => void;
  /** Resolves when everything is in: after `whenEnded` the body of an answer may still be under way. */
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

  /** @param deadlineNs CLOCK_MONOTONIC; no try begins after it. The caller has to cut the exchange at that time. */
  start(deadlineNs: bigint): void {
    this.#deadlineNs = deadlineNs;
    this.#send();
  }

  /** Ends the exchange now, even if a request is under way. */
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

  /** The head of an answer is in. If it decides the exchange, that is reported at once; a retry waits for the body. */
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

  /** The try is over: with an answer and its body, or interrupted by `error`. */
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
      // Not inside undici's own callback, because its bookkeeping is not finished.
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

/** Receives undici's events of one try. The exchange compares the object, so that it ignores late events of an old try. */
class Attempt implements Dispatcher.DispatchHandler {
  sent = false;
  answer: RawAnswer | undefined;
  bodyIsCut = false;
  readonly #exchange: Exchange;
  #bodyBytes = 0;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** undici calls it right before it writes to the socket, in the same turn, so the time stamp is never late. */
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
      controller.abort(new Error('the rest of the body is not needed'));
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

/** Cuts the exchanges that have not ended at `deadlineNs` (CLOCK_MONOTONIC, to the millisecond). */
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

/** One header as text; undefined if it is missing or repeated. */
export function headerText(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
