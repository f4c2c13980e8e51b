import { HttpConnection } from '../http/connection.ts';
import {
  cutAt,
  Exchange,
  type ExchangeEnd,
  type ExchangeListener,
  type ExchangeOptions,
} from '../http/exchange.ts';
import { classifyError, errorCode } from '../http/failures.ts';
import type { PreparedRequest } from '../http/request.ts';
import { hostOrigin } from './address.ts';
import { HostConnector } from './host-connector.ts';

/** Longest a call may take (host-api.md). */
export const HOST_TIMEOUT_MS = 40_000;
/** The service is on the machine's own host: who does not accept within this will not. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Most that is read of an answer: 65 disks' entries are some 100 KiB. */
const BODY_LIMIT_BYTES = 4 * 1_024 * 1_024;
/** How long a refusal's body is waited for: its head has said that it is one. */
const REFUSAL_BODY_LIMIT_MS = 1_000;

const HEADERS = ['Backup', 'true', 'Content-type', 'application/json', 'UserAgent', 'VMSnapshot'];
const NOBODY: ExchangeListener = { fired: () => {}, ended: () => {} };

type CallOptions = Partial<Pick<ExchangeOptions, 'succeeds' | 'listener' | 'maxTries'>>;

export type BrokenEnd = Extract<ExchangeEnd, { kind: 'broken' }>;

/** A request to the host service that is ready to be sent. May hold secrets. */
export function hostPost(path: string, body: object): PreparedRequest {
  return { method: 'POST', path, headers: HEADERS, body: Buffer.from(JSON.stringify(body)) };
}

export function hostGet(path: string): PreparedRequest {
  return { method: 'GET', path, headers: HEADERS };
}

/**
 * The one connection to the host service (host-api.md): plain HTTP to an address on the host itself,
 * never through a proxy, kept up between the calls. Connects with the first call, or before it.
 */
export class HostClient implements AsyncDisposable {
  readonly origin: string;
  readonly #connector: HostConnector;
  readonly #connection: HttpConnection;

  private constructor(origin: string, connector: HostConnector) {
    this.origin = origin;
    this.#connector = connector;
    this.#connection = new HttpConnection(origin, {
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      connector: connector.connector,
    });
  }

  /** @param wireProtocolAddress as the agent gives it; undefined for the usual one */
  static open(wireProtocolAddress: string | undefined): HostClient {
    const origin = hostOrigin(wireProtocolAddress);
    return new HostClient(origin, HostConnector.toOrigin(origin, CONNECT_TIMEOUT_MS));
  }

  /** To a stand-in that listens on a Unix socket. */
  static atSocket(path: string): HostClient {
    return new HostClient(hostOrigin(undefined), new HostConnector({ path }, CONNECT_TIMEOUT_MS));
  }

  /** The next call finds its connection. */
  get isConnected(): boolean {
    return this.#connection.isUp || this.#connector.isAhead;
  }

  /**
   * Connects, sending nothing, unless it is connected.
   *
   * @returns undefined where a connection stands
   */
  async connect(timeoutMs: number): Promise<BrokenEnd | undefined> {
    if (this.isConnected) {
      return undefined;
    }
    try {
      await this.#connector.openAhead(timeoutMs);
      return undefined;
    } catch (error) {
      return { kind: 'broken', failure: classifyError(error, false), code: errorCode(error) };
    }
  }

  /** A call that is started later; one try, and a success is complete with its body. */
  exchange(request: PreparedRequest, options: CallOptions = {}): Exchange {
    return new Exchange({
      target: 0,
      connection: this.#connection,
      request,
      succeeds: isSuccess,
      completeWith: 'body',
      listener: NOBODY,
      maxTries: 1,
      bodyLimitBytes: BODY_LIMIT_BYTES,
      ...options,
    });
  }

  /**
   * Makes a call now and waits for its end with the body, no longer than `timeoutMs`. Rejects with the
   * signal's reason when aborted, and only then.
   */
  async call(
    request: PreparedRequest,
    { timeoutMs = HOST_TIMEOUT_MS, abort, ...options }: TimedCallOptions = {},
  ): Promise<ExchangeEnd> {
    abort?.throwIfAborted();
    const exchange = this.exchange(request, options);
    const deadlineNs = process.hrtime.bigint() + BigInt(Math.round(timeoutMs * 1e6));
    const timer = cutAt(deadlineNs, [exchange]);
    const onAbort = (): void => exchange.cut('aborted');
    abort?.addEventListener('abort', onAbort, { once: true });
    exchange.start(deadlineNs);
    const end = await this.endOf(exchange);
    clearTimeout(timer);
    abort?.removeEventListener('abort', onAbort);
    abort?.throwIfAborted();
    return end;
  }

  /** How a call that was started ended, when its answer's body is in too, or does not come. */
  async endOf(exchange: Exchange): Promise<ExchangeEnd> {
    await exchange.whenEnded;
    if (exchange.end?.kind === 'refused' && !(await bodyIsIn(exchange))) {
      // The next call would wait behind it.
      this.drop();
    }
    return exchange.end ?? { kind: 'cut', reason: 'aborted' };
  }

  /** Cuts the connection; the next call connects anew. */
  drop(): void {
    this.#connection.drop();
    this.#connector.closeAhead();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
    this.#connector.closeAhead();
  }
}

export interface TimedCallOptions extends CallOptions {
  readonly timeoutMs?: number;
  readonly abort?: AbortSignal;
}

export function isSuccess(httpStatus: number): boolean {
  return httpStatus === 200 || httpStatus === 201;
}

/** Whether nothing more is to come of an answer; waits for it, but not for long. */
async function bodyIsIn(exchange: Exchange): Promise<boolean> {
  const { promise: limit, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), REFUSAL_BODY_LIMIT_MS);
  const isIn = await Promise.race([exchange.whenBodyIn.then(() => true), limit]);
  clearTimeout(timer);
  return isIn;
}
