import type { buildConnector } from 'undici';

/** A longer head than undici itself would accept is passed on, so that undici refuses it. */
const HEAD_LIMIT_BYTES = 16 * 1_024;
const NOTHING = Buffer.alloc(0);
const END_OF_HEAD = '\r\n\r\n';
/** An interim answer; 101 (Switching Protocols) is final. */
const INTERIM = /^HTTP\/1\.[01] 1(?!01)\d\d$/;
const EXAMPLE = 'HTTP/1.1 100';

/**
 * Takes the interim answers (100, 102, 103) out of what a server sends. A client must accept them at any time and may
 * ignore them (RFC 9110, 15.2), but undici closes the connection on a 100 that was not asked for.
 */
export class InterimAnswers {
  #awaitsHead = true;
  #held: Buffer = NOTHING;

  /** The bytes that follow begin with the head of an answer. */
  requestSent(): void {
    this.#awaitsHead = true;
  }

  /** @returns what belongs to the final answer; empty if that is not known yet */
  withoutInterim(chunk: Buffer): Buffer {
    if (!this.#awaitsHead) {
      return chunk;
    }
    let rest = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = NOTHING;
    while (mayBeInterim(rest)) {
      const end = rest.indexOf(END_OF_HEAD);
      if (end === -1 && rest.length <= HEAD_LIMIT_BYTES) {
        this.#held = rest;
        return NOTHING;
      }
      if (end === -1) {
        break;
      }
      rest = rest.subarray(end + END_OF_HEAD.length);
    }
    this.#awaitsHead = false;
    return rest;
  }
}

/** Whether bytes begin an interim answer, or are too few to say. */
function mayBeInterim(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, EXAMPLE.length);
  return INTERIM.test(start + EXAMPLE.slice(start.length));
}

/** Makes undici read from the connections of `connector` without interim answers. Not for pipelined requests. */
export function withoutInterimAnswers(
  connector: buildConnector.connector,
): buildConnector.connector {
  return (origin, callback) => {
    connector(origin, (error, socket) => {
      if (error !== null) {
        callback(error, null);
      } else {
        skipInterimAnswers(socket);
        callback(null, socket);
      }
    });
  };
}

type ConnectedSocket = Extract<Parameters<buildConnector.Callback>, [null, unknown]>[1];

/** undici calls `write` with a request when the answer before is complete, and `read` without a size. */
function skipInterimAnswers(socket: ConnectedSocket): void {
  const interim = new InterimAnswers();
  const read = socket.read.bind(socket);
  socket.write = new Proxy(socket.write, {
    apply: (write, self, parts): unknown => {
      interim.requestSent();
      return Reflect.apply(write, self, parts);
    },
  });
  socket.read = (size?: number): unknown => {
    if (size !== undefined) {
      return read(size);
    }
    for (let chunk = read(); chunk !== null; chunk = read()) {
      const rest = interim.withoutInterim(chunk);
      if (rest.length > 0) {
        return rest;
      }
    }
    return null;
  };
}
