import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction, Socket } from 'node:net';
import type { buildConnector } from 'undici';
import buildSecureConnector from 'undici/lib/core/connect.js';
import { withoutBrackets } from '../../system/hostnames.ts';

const HTTPS_PORT = '443';

/** The tunnel could not be opened; `code` is the reason, e.g. `PROXY_HTTP_407`. Does not name the proxy or its password. */
export class TunnelError extends Error {
  readonly code: string;

  constructor(reason: string) {
    super('the proxy did not open a tunnel');
    this.code = `PROXY_${reason}`;
  }
}

export interface TunnelOptions {
  /** URL of an HTTP proxy, http or https, perhaps with user name and password. Secret. */
  readonly proxy: string;
  readonly connectTimeoutMs: number;
  /** For the proxy's own name; the proxy resolves the name of the origin. */
  readonly lookup?: LookupFunction;
}

/**
 * Makes undici connect to an https origin through a proxy: a tunnel (CONNECT, RFC 9110, 9.3.6), and TLS with
 * the origin inside it, so that the proxy cannot read anything.
 *
 * @param trust options for TLS inside the tunnel, as for a direct connection
 */
export function tunnelConnector(
  options: TunnelOptions,
  trust: buildConnector.BuildOptions,
): buildConnector.connector {
  const secure = buildSecureConnector({
    ...trust,
    allowH2: false,
    timeout: options.connectTimeoutMs,
  });
  return (origin, callback) => {
    openTunnel(`${origin.hostname}:${origin.port || HTTPS_PORT}`, options).then(
      (httpSocket) => secure({ ...origin, httpSocket }, callback),
      (error: Error) => callback(error, null),
    );
  };
}

/**
 * @param destination host and port
 * @throws TunnelError
 */
async function openTunnel(
  destination: string,
  { proxy, connectTimeoutMs, lookup }: TunnelOptions,
): Promise<Socket> {
  const url = new URL(proxy);
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const connecting = request(connectRequest(url, destination, lookup));
  const timer = setTimeout(() => connecting.destroy(new TunnelError('TIMEOUT')), connectTimeoutMs);
  connecting.once('connect', ({ statusCode }, socket: Socket, head) => {
    if (statusCode === 200 && head.length === 0) {
      resolve(socket);
    } else {
      socket.destroy();
      reject(new TunnelError(`HTTP_${statusCode}`));
    }
  });
  connecting.once('error', (error: NodeJS.ErrnoException) =>
    reject(error instanceof TunnelError ? error : new TunnelError(error.code ?? 'FAILED')),
  );
  connecting.end();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function connectRequest(
  { hostname, port, username, password }: URL,
  destination: string,
  lookup: LookupFunction | undefined,
): RequestOptions {
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    method: 'CONNECT',
    host: withoutBrackets(hostname),
    path: destination,
    agent: false,
    headers: {
      host: destination,
      ...(credentials === ':'
        ? {}
        : { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }),
    },
    ...(port === '' ? {} : { port }),
    ...(lookup === undefined ? {} : { lookup }),
  };
}
