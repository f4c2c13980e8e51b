import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, wireBytes } from './answer.ts';
import type { RequestFault } from './model.ts';

/** What an answer is sent over: the TLS stream, and the TCP connection under it. */
export interface AnswerChannel {
  readonly response: ServerResponse;
  readonly tcp: Socket;
}

/** Sends the answer as it should be. */
export function send({ response }: AnswerChannel, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers });
  response.end(body);
}

/**
 * Sends the answer as the fault has it. `answer` is undefined if the request was not handled.
 * Returns whether the client got a whole answer.
 */
export async function sendBadly(
  channel: AnswerChannel,
  fault: Exclude<RequestFault, { kind: 'status' }>,
  answer: Answer,
): Promise<boolean> {
  switch (fault.kind) {
    case 'reset':
      channel.tcp.resetAndDestroy();
      return false;
    case 'no-answer':
      return false;
    case 'half-answer': {
      const bytes = wireBytes(answer);
      const half = bytes.subarray(0, Math.floor(bytes.length / 2));
      writeRaw(channel, half, fault.ending === 'close');
      return false;
    }
    case 'garbage':
      writeRaw(channel, Buffer.from('\x00\x01 this is not HTTP \xff\r\n\r\n', 'latin1'), true);
      return false;
    case 'trickle':
      return trickle(channel, wireBytes(answer), fault.byteIntervalMs);
    case 'close-idle':
      send(channel, answer);
      closeWhenIdle(channel, fault.afterMs);
      return true;
    case 'keep-alive-timeout':
      send(channel, {
        ...answer,
        headers: { ...answer.headers, 'Keep-Alive': `timeout=${fault.seconds}` },
      });
      closeWhenIdle(channel, fault.seconds * 1000);
      return true;
  }
}

function writeRaw({ response }: AnswerChannel, bytes: Buffer, thenEnd: boolean): void {
  const stream = response.socket;
  stream?.write(bytes);
  if (thenEnd) {
    stream?.end();
  }
}

async function trickle(
  { response }: AnswerChannel,
  bytes: Buffer,
  byteIntervalMs: number,
): Promise<boolean> {
  const stream = response.socket;
  for (const byte of bytes) {
    if (stream === null || stream.destroyed) {
      return false;
    }
    stream.write(Buffer.of(byte));
    await sleep(byteIntervalMs);
  }
  stream?.end();
  return true;
}

/** Ends the stream `afterMs` after its last byte in either direction. */
function closeWhenIdle({ response, tcp }: AnswerChannel, afterMs: number): void {
  const stream = response.socket;
  const bytesThen = tcp.bytesRead;
  response.once('finish', () => {
    const timer = setTimeout(() => {
      if (tcp.bytesRead === bytesThen) {
        stream?.end();
      }
    }, afterMs);
    tcp.once('close', () => clearTimeout(timer));
  });
}
