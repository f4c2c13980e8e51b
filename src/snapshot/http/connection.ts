import type { LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { buildConnector, Dispatcher, Client as UndiciClient } from 'undici';
import buildSecureConnector from 'undici/lib/core/connect.js';
import Client from 'undici/lib/dispatcher/client.js';
import type { TunnelOptions } from './tunnel.ts';
import { watched } from './watched-socket.ts';

/**
 * How long an idle connection is kept, in ms: longer than the longest preparation (including scripts and a
 * scheduled start). The server's `Keep-Alive: timeout=` still applies.
 */
const KEEP_ALIVE_MS = 4 * 3_600_000;
/**
 * How long before the server's own limit an idle connection is closed. undici's default of 2 s would close a
 * connection with `Keep-Alive: timeout=2` at once, before its second request.
 */
const KEEP_ALIVE_MARGIN_MS = 100;

export interface ConnectionOptions {
  readonly connectTimeoutMs: number;
  /** Shared by all connections of a lane, so that the trusted authorities are in memory once. Not for plain HTTP. */
  readonly secureContext?: SecureContext;
  /** Not used if the host is an IP address. */
  readonly lookup?: LookupFunction;
  /** Replaces the options above; for plain HTTP. */
  readonly connector?: buildConnector.connector;
  /** URL of the proxy for an https origin; missing if there is none. Secret. */
  readonly proxy?: string | undefined;
}

/**
 * The only connection of a blob, or of the host service. If the connection is up, a dispatched request is written one
 * turn of the event loop later; if not, the request connects first.
 */
export class HttpConnection {
  readonly #origin: string;
  readonly #options: ConnectionOptions;
  #client: UndiciClient;
  #endsAfterAnswer = false;

  constructor(origin: string, options: ConnectionOptions) {
    this.#origin = origin;
    this.#options = options;
    this.#client = this.#create();
  }

  /**
   * Whether the next request will not have to connect. The end of a connection may arrive only after its answer; a proxy
   * with a tunnel cannot announce it. So a peer that ended the connection before after one answer is expected to do so again.
   */
  get isUp(): boolean {
    return this.#client.stats.connected && !this.#endsAfterAnswer;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(options, handler);
  }

  /** Cuts the connection and the requests under way on it. The next request reconnects. */
  drop(): void {
    this.close();
    this.#client = this.#create();
  }

  /** Cuts the connection; it cannot be used any more. */
  close(): void {
    void this.#client.destroy();
  }

  #create(): UndiciClient {
    return new Client(this.#origin, {
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      // Both are imprecise (about 1 s); the exchanges have exact deadlines of their own.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: watched(this.#connector(), (afterOneAnswer) => {
        this.#endsAfterAnswer = afterOneAnswer;
      }),
    });
  }

  #connector(): buildConnector.connector {
    const { connectTimeoutMs, lookup, proxy, connector, ...rest } = this.#options;
    if (connector !== undefined) {
      return connector;
    }
    const trust = { rejectUnauthorized: true, ...rest };
    const names = lookup === undefined ? {} : { lookup };
    return proxy === undefined
      ? buildSecureConnector({ allowH2: false, timeout: connectTimeoutMs, ...names, ...trust })
      : connectorThrough({ proxy, connectTimeoutMs, ...names }, trust);
  }
}

/** Imports the tunnel code with the first connection through a proxy, which is before the window. */
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
