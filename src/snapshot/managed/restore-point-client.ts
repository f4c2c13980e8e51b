import { createSecureContext } from 'node:tls';
import { deadlineIn } from '../../system/stamps.ts';
import { NameMemory } from '../blob/name-memory.ts';
import { againIfSilent } from '../http/again-if-silent.ts';
import { headerText, type RawAnswer } from '../http/attempt.ts';
import { trustMachineAuthorities } from '../http/authorities.ts';
import { bodyIn } from '../http/body-in.ts';
import { type ConnectionOptions, HttpConnection } from '../http/connection.ts';
import { cutAt, Exchange, IGNORE_EVENTS } from '../http/exchange.ts';
import type { ExchangeEnd } from '../http/exchange-end.ts';
import type { PreparedRequest } from '../http/request.ts';

/** Tries outside the window: enough to recover from a connection that was closed meanwhile. */
const CHECK_TRIES = 3;
/** A collection of 500 points with the disks of each. */
const BODY_LIMIT_BYTES = 32 * 1_024 * 1_024;
const CONNECT_TIMEOUT_MS = 10_000;

export type ArmMethod = 'DELETE' | 'GET' | 'POST' | 'PUT';

/** The connection to the resource manager over which a restore point is made, and the clock of the service. */
export class RestorePointClient {
  readonly connection: HttpConnection;
  readonly origin: string;
  readonly #options: ConnectionOptions;
  readonly #names = new NameMemory();
  #authorization = '';
  readonly #clientRequestId: string;
  /** The clock of the service at a time of this machine's. */
  #serverClock: { readonly serverMs: number; readonly atNs: bigint } | undefined;

  constructor(origin: string, proxy: string | undefined, clientRequestId: string) {
    this.origin = origin;
    trustMachineAuthorities();
    this.#options = {
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      secureContext: createSecureContext(),
      lookup: this.#names.lookup,
      proxy,
    };
    this.#clientRequestId = clientRequestId;
    this.connection = this.connect();
  }

  /** Another connection, for a request that gets no answer over the first one. */
  connect(): HttpConnection {
    return new HttpConnection(this.origin, this.#options);
  }

  /** @param authorization secret */
  authorize(authorization: string): void {
    this.#authorization = authorization;
  }

  /** While file systems are frozen, no resolver is asked. */
  holdNames(isHeld: boolean): void {
    if (isHeld) {
      this.#names.hold();
    } else {
      this.#names.release();
    }
  }

  /** @param path path and query. Secret if the service gave it. */
  request(method: ArmMethod, path: string, body?: object): PreparedRequest {
    const headers = [
      ...['authorization', this.#authorization, 'accept', 'application/json'],
      ...['x-ms-client-request-id', this.#clientRequestId],
    ];
    return body === undefined
      ? { method, path, headers }
      : {
          ...{ method, path },
          headers: [...headers, 'content-type', 'application/json'],
          body: Buffer.from(JSON.stringify(body)),
        };
  }

  /** Asks outside the window; 404 counts as a success too. */
  async ask(request: PreparedRequest, limitMs: number): Promise<ExchangeEnd | undefined> {
    const deadlineNs = deadlineIn(limitMs);
    const ask = (untilNs: bigint) => this.#askOnce(request, untilNs);
    return request.method === 'GET'
      ? await againIfSilent(ask, (end) => end, deadlineNs)
      : await ask(deadlineNs);
  }

  async #askOnce(request: PreparedRequest, deadlineNs: bigint): Promise<ExchangeEnd | undefined> {
    const exchange = new Exchange({
      target: 0,
      connection: this.connection,
      request,
      succeeds: (httpStatus) => httpStatus < 300 || httpStatus === 404,
      completeWith: 'body',
      listener: IGNORE_EVENTS,
      maxTries: CHECK_TRIES,
      bodyLimitBytes: BODY_LIMIT_BYTES,
    });
    const timer = cutAt(deadlineNs, [exchange]);
    exchange.start(deadlineNs);
    await exchange.whenEnded;
    if (exchange.end?.kind === 'refused') {
      await bodyIn(exchange);
    }
    clearTimeout(timer);
    if (exchange.end !== undefined && 'answer' in exchange.end) {
      this.#noteClock(exchange.end.answer);
    }
    return exchange.end;
  }

  /** By the clock of the service; undefined before its first answer. */
  serverTimeOf(atNs: bigint | undefined): number | undefined {
    return atNs === undefined || this.#serverClock === undefined
      ? undefined
      : this.#serverClock.serverMs + Number(atNs - this.#serverClock.atNs) / 1e6;
  }

  close(): void {
    this.connection.close();
  }

  /** `Date` is in whole seconds, rounded down. */
  #noteClock({ headers, receivedNs }: RawAnswer): void {
    const serverMs = Date.parse(headerText(headers, 'date') ?? '');
    if (!Number.isNaN(serverMs)) {
      this.#serverClock = { serverMs, atNs: receivedNs };
    }
  }
}
