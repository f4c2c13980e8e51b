import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { HttpConnection } from './connection.ts';

/** A socket whose peer, in memory, answers whatever is written with the same bytes. What undici calls besides has no effect. */
class AnsweringSocket extends Duplex {
  readonly #answer: Buffer;

  constructor(answer: string) {
    super();
    this.#answer = Buffer.from(answer);
  }

  override _read(): void {}

  override _write(_request: Buffer, _encoding: BufferEncoding, written: () => void): void {
    written();
    this.push(this.#answer);
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

/**
 * A connection on which nothing leaves the process, for the rehearsal of requests.
 *
 * @param answer a whole HTTP/1.1 answer
 */
export function connectionInMemory(origin: string, answer: string): HttpConnection {
  return new HttpConnection(origin, {
    connectTimeoutMs: 0,
    connector: (_options, connected) => {
      const socket = new AnsweringSocket(answer);
      queueMicrotask(() => connected(null, socket as Duplex as TLSSocket));
    },
  });
}
