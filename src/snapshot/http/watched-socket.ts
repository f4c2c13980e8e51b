import type { buildConnector } from 'undici';
import { InterimAnswers } from './interim-answers.ts';

/** A connection that the peer ends this soon after an answer was not ended for being idle. */
const AT_ONCE_MS = 1_000;

/**
 * Makes undici read from the connections of `connector` without interim answers. Not for pipelined requests.
 *
 * @param onEnd called when the peer ends a connection, with whether it did so right after the first answer
 */
export function watched(
  connector: buildConnector.connector,
  onEnd: (afterOneAnswer: boolean) => void,
): buildConnector.connector {
  return (origin, callback) => {
    connector(origin, (error, socket) => {
      if (error !== null) {
        callback(error, null);
      } else {
        watch(socket, onEnd);
        callback(null, socket);
      }
    });
  };
}

type ConnectedSocket = Extract<Parameters<buildConnector.Callback>, [null, unknown]>[1];

/** undici calls `write` with a request when the answer before is complete, and `read` without a size. */
function watch(socket: ConnectedSocket, onEnd: (afterOneAnswer: boolean) => void): void {
  const interim = new InterimAnswers();
  let readAtMs = 0;
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
      readAtMs = performance.now();
      const rest = interim.withoutInterim(chunk);
      if (rest.length > 0) {
        return rest;
      }
    }
    return null;
  };
  socket.once('end', () => {
    onEnd(interim.finalAnswers === 1 && performance.now() - readAtMs < AT_ONCE_MS);
  });
}
