import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { withoutBrackets } from '../../system/hostnames.ts';

const HTTP_PORT = 80;
/** TCP's own probes, for a host that is gone without a word. */
const KEEP_ALIVE_PROBE_MS = 60_000;

/**
 * How undici connects to the host service. A connection can be opened ahead, with nothing sent over it: the
 * next one that undici asks for is that.
 */
export class HostConnector {
  readonly #place: NetConnectOpts;
  readonly #timeoutMs: number;
  #ahead: Socket | undefined;

  /** @param timeoutMs of a connection that undici asks for */
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
    // Never from inside the call: undici does not expect an answer at once.
    this.#take().then(
      (socket) => callback(null, socket),
      (error: Error) => callback(error, null),
    );
  };

  /** A connection stands that nobody uses yet; false as soon as the host has closed it. */
  get isAhead(): boolean {
    return this.#ahead !== undefined;
  }

  /** Opens a connection for the next call, unless there is one. @throws the system's error; ETIMEDOUT */
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
    // One that breaks while nobody uses it is closed, and that is all.
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
