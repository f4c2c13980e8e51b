import type { LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { buildConnector, Dispatcher, Client as UndiciClient } from 'undici';
import Client from 'undici/lib/dispatcher/client.js';
import type { TunnelOptions } from './tunnel.ts';

/**
 * How long an idle connection is kept, in ms: past the longest preparation (scripts and a scheduled
 * start included). What the server says in `Keep-Alive: timeout=` still counts.
 */
const KEEP_ALIVE_MS = 4 * 3_600_000;
/**
 * How long before the server's own limit an idle connection is given up. undici's 2 s would close one
 * under `Keep-Alive: timeout=2` at once, that is, before it has carried a second request.
 */
const KEEP_ALIVE_MARGIN_MS = 100;

export interface ConnectionOptions {
  readonly connectTimeoutMs: number;
  /** One for all connections of a lane: the trusted authorities are held once. Not for plain HTTP. */
  readonly secureContext?: SecureContext;
  /** Not for an address. */
  readonly lookup?: LookupFunction;
  /** How to connect, in place of all that; for plain HTTP. */
  readonly connector?: buildConnector.connector;
  /** URL of the proxy for an https origin; missing: none. Secret. */
  readonly proxy?: string | undefined;
}

/**
 * The one connection of a blob, or of the host service. A dispatched request is written one turn of the event loop later
 * when the connection is up, and connects first when it is not.
 */
export class HttpConnection {
  readonly #origin: string;
  readonly #options: ConnectionOptions;
  #client: UndiciClient;

  constructor(origin: string, options: ConnectionOptions) {
    this.#origin = origin;
    this.#options = options;
    this.#client = this.#create();
  }

  get isUp(): boolean {
    return this.#client.stats.connected;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(options, handler);
  }

  /** Cuts the connection with whatever is under way on it. The next request connects anew. */
  drop(): void {
    this.close();
    this.#client = this.#create();
  }

  /** Cuts the connection for good. */
  close(): void {
    void this.#client.destroy();
  }

  #create(): UndiciClient {
    const { connectTimeoutMs, lookup, proxy, connector, ...rest } = this.#options;
    const trust = { rejectUnauthorized: true, ...rest };
    const names = lookup === undefined ? {} : { lookup };
    return new Client(this.#origin, {
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      // Both are coarse (about 1 s); the exchanges have exact deadlines of their own.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect:
        connector ??
        (proxy === undefined
          ? { timeout: connectTimeoutMs, ...names, ...trust }
          : connectorThrough({ proxy, connectTimeoutMs, ...names }, trust)),
    });
  }
}

/** The way through a proxy is loaded by who needs one, with its first connection, which is before the window. */
function connectorThrough(
  options: TunnelOptions,
  trust: buildConnector.BuildOptions,
): buildConnector.connector {
  const connector = import('./tunnel.ts').then((tunnel) => tunnel.tunnelConnector(options, trust));
  return (origin, callback) => {
    connector.then(
      (connect) => connect(origin, callback),
      (error: Error) => callback(error, null),
    );
  };
}
