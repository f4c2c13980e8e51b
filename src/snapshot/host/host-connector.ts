import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { withoutBrackets } from '../../system/hostnames.ts';

const HTTP_PORT = 80;
/** TCP keep-alive probes detect a host that is gone without closing the connection. */
const KEEP_ALIVE_PROBE_MS = 60_000;

/**
 * Connects undici to the host service. A connection can be opened ahead without sending anything; undici gets
 * it when it next connects.
 */
export class HostConnector {
  readonly #place: NetConnectOpts;
  readonly #timeoutMs: number;
  #ahead: Socket | undefined;

  /** @param timeoutMs time limit for a connection that undici requests */
  constructor(place: NetConnectOpts, timeoutMs: number) {
    this.#place = place;
    this.#timeoutMs = timeoutMs;
  }

  static toOrigin(origin: string, timeoutMs: number): HostConnector {
    const { hostname, port } = new URL(origin);
    const host = withoutBrackets(hostname);
    return new HostConnector({ host, port: port === '' ? HTTP_PORT : Number(port) }, timeoutMs);
  }

  readonly connector: buildConnector.connector = (_origin, callback) => {
    // Never call back synchronously: undici does not expect that.
    this.#take().then(
      (socket) => callback(null, socket),
      (error: Error) => callback(error, null),
    );
  };

  /** True if an unused connection is open; false as soon as the host has closed it. */
  get isAhead(): boolean {
    return this.#ahead !== undefined;
  }

  /** Opens a connection for the next call, unless one is open. @throws the system's error; ETIMEDOUT */
  async openAhead(timeoutMs: number): Promise<void> {
    if (this.#ahead === undefined) {
      const socket = await this.#open(timeoutMs);
      socket.once('close', () => this.#forget(socket));
      this.#ahead = socket;
    }
  }

  closeAhead(): void {
    this.#ahead?.destroy();
    this.#ahead = undefined;
  }

  async #take(): Promise<Socket> {
    const socket = this.#ahead;
    this.#ahead = undefined;
    return socket ?? (await this.#open(this.#timeoutMs));
  }

  #forget(socket: Socket): void {
    if (this.#ahead === socket) {
      this.#ahead = undefined;
    }
  }

  async #open(timeoutMs: number): Promise<Socket> {
    const socket = connect({
      ...this.#place,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS,
    });
    // An unused connection that breaks is only closed.
    socket.on('error', () => {});
    const timer = setTimeout(() => socket.destroy(timeoutError()), timeoutMs);
    try {
      await once(socket, 'connect');
      return socket;
    } finally {
      clearTimeout(timer);
    }
  }
}

function timeoutError(): Error {
  return Object.assign(new Error('the connection took too long'), { code: 'ETIMEDOUT' });
}
