import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { HttpConnection } from './connection.ts';
import { type FailedTry, parseRetryAfterMs } from './retry.ts';

/** An answer as received; its body is not read while anything is frozen. */
export interface RawAnswer {
  readonly httpStatus: number;
  readonly headers: IncomingHttpHeaders;
  /** Names and values, alternating, as received: metadata keep the case of their names. */
  readonly rawHeaders: readonly (Buffer | string)[];
  readonly body: Uint8Array[];
  /** CLOCK_MONOTONIC; when its head was in. */
  readonly receivedNs: bigint;
}

/** A connection to a blob or to the host. */
export type ExchangeConnection = Pick<HttpConnection, 'dispatch' | 'drop'>;

/** The exchange that a try belongs to. */
export interface AttemptOwner {
  readonly bodyLimitBytes: number;
  /** The try is about to be written to the socket. */
  left(): void;
  /** The head of an answer is in. */
  headIn(attempt: Attempt, answer: RawAnswer): void;
  /** The try is over: with an answer and its body, or interrupted by `error`. */
  over(attempt: Attempt, error: unknown): void;
}

/** Receives undici's events of one try. */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly connection: ExchangeConnection;
  sent = false;
  answer: RawAnswer | undefined;
  bodyIsCut = false;
  readonly #owner: AttemptOwner;
  #bodyBytes = 0;

  constructor(owner: AttemptOwner, connection: ExchangeConnection) {
    this.#owner = owner;
    this.connection = connection;
  }

  /** undici calls it right before it writes to the socket, in the same turn, so the time stamp is never late. */
  onRequestStart(): void {
    this.sent = true;
    this.#owner.left();
  }

  onResponseStart(
    { rawHeaders }: Dispatcher.DispatchController,
    httpStatus: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (httpStatus >= 200) {
      this.answer = {
        httpStatus,
        headers,
        rawHeaders: Array.isArray(rawHeaders) ? rawHeaders : [],
        body: [],
        receivedNs: process.hrtime.bigint(),
      };
      this.#owner.headIn(this, this.answer);
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const room = this.#owner.bodyLimitBytes - this.#bodyBytes;
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
    this.#owner.over(this, undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#owner.over(this, error);
  }
}

export function failedTryOf({ httpStatus, headers }: RawAnswer): FailedTry {
  return {
    kind: 'answered',
    httpStatus,
    serviceCode: headerText(headers, 'x-ms-error-code'),
    retryAfterMs: retryAfterMsOf(headers),
  };
}

/** How long the service asks to wait; undefined if it does not. */
export function retryAfterMsOf(headers: IncomingHttpHeaders): number | undefined {
  return parseRetryAfterMs(headerText(headers, 'retry-after'), headerText(headers, 'date'));
}

/** One header as text; undefined if it is missing or repeated. */
export function headerText(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
