import { deadlineIn } from '../../system/stamps.ts';
import { HttpConnection } from '../http/connection.ts';
import { cutAt, Exchange, type ExchangeOptions, IGNORE_EVENTS } from '../http/exchange.ts';
import type { ExchangeEnd } from '../http/exchange-end.ts';
import { classifyError, errorCode } from '../http/failures.ts';
import type { PreparedRequest } from '../http/request.ts';
import { hostOrigin } from './address.ts';
import { HostConnector } from './host-connector.ts';

/** Maximum duration of a call (host-api.md). */
export const HOST_TIMEOUT_MS = 40_000;
/** The service is on the machine's own host: if it does not accept within this time, it never will. */
const CONNECT_TIMEOUT_MS = 10_000;
/** How much of an answer is read at most: the entries of 65 disks take about 100 KiB. */
const BODY_LIMIT_BYTES = 4 * 1_024 * 1_024;
/** How long to wait for the body of a refusal; its head has already shown the refusal. */
const REFUSAL_BODY_LIMIT_MS = 1_000;

const HEADERS = ['Backup', 'true', 'Content-type', 'application/json', 'UserAgent', 'VMSnapshot'];

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
 * The only connection to the host service (host-api.md): plain HTTP to an address on the host itself,
 * never through a proxy, kept open between the calls. Connects with the first call, or before it.
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

  /** @param wireProtocolAddress as given by the agent; undefined for the default address */
  static open(wireProtocolAddress: string | undefined): HostClient {
    const origin = hostOrigin(wireProtocolAddress);
    return new HostClient(origin, HostConnector.toOrigin(origin, CONNECT_TIMEOUT_MS));
  }

  /** A client of a stub host that listens on a Unix socket. */
  static atSocket(path: string): HostClient {
    return new HostClient(hostOrigin(undefined), new HostConnector({ path }, CONNECT_TIMEOUT_MS));
  }

  /** True if the next call does not have to connect. */
  get isConnected(): boolean {
    return this.#connection.isUp || this.#connector.isAhead;
  }

  /**
   * Connects without sending anything, unless it is connected already.
   *
   * @returns undefined if it is connected
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

  /** Creates a call to be started later, by default with one try; a success is complete with its body. */
  exchange(request: PreparedRequest, options: CallOptions = {}): Exchange {
    return new Exchange({
      target: 0,
      connection: this.#connection,
      request,
      succeeds: isSuccess,
      completeWith: 'body',
      listener: IGNORE_EVENTS,
      maxTries: 1,
      bodyLimitBytes: BODY_LIMIT_BYTES,
      ...options,
    });
  }

  /**
   * Makes a call now and waits for its end including the body, at most `timeoutMs`. Rejects only if aborted,
   * with the signal's reason.
   */
  async call(
    request: PreparedRequest,
    { timeoutMs = HOST_TIMEOUT_MS, abort, ...options }: TimedCallOptions = {},
  ): Promise<ExchangeEnd> {
    abort?.throwIfAborted();
    const exchange = this.exchange(request, options);
    const deadlineNs = deadlineIn(timeoutMs);
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

  /** Resolves with the end of a started call when the answer's body is in too, or does not arrive in time. */
  async endOf(exchange: Exchange): Promise<ExchangeEnd> {
    await exchange.whenEnded;
    if (exchange.end?.kind === 'refused' && !(await bodyIsIn(exchange))) {
      // Otherwise the next call would wait for this body.
      this.drop();
    }
    return exchange.end ?? { kind: 'cut', reason: 'aborted' };
  }

  /** Cuts the connection; the next call reconnects. */
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

/** Whether an answer is complete; waits for that for a limited time. */
async function bodyIsIn(exchange: Exchange): Promise<boolean> {
  const { promise: limit, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), REFUSAL_BODY_LIMIT_MS);
  const isIn = await Promise.race([exchange.whenAllIn.then(() => true), limit]);
  clearTimeout(timer);
  return isIn;
}
