/** Answers of every form, to both calls: none hangs, and each has its code. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { doSnapshotCall } from '../../../src/snapshot/host/do-snapshot.ts';
import { HostClient } from '../../../src/snapshot/host/host-client.ts';
import { HostProvider } from '../../../src/snapshot/host/host-provider.ts';
import { preSnapshot } from '../../../src/snapshot/host/pre-snapshot.ts';
import { suite } from '../../suite.ts';

const test = suite('answers of the host');
const NODE = 'Knoten-äöü';
const GOOD = JSON.stringify({
  nodeId: NODE,
  snapshotInfo: [{ isSuccessful: 'True', snapshotUri: '', errorMessage: null }],
});
const OWN_ERROR = '{ "error": { "code": "Busy", "message": "later" } }';

type Answer = (response: ServerResponse) => void;

/** Split by bytes, so that a character may be cut in two. */
async function inPieces(response: ServerResponse, status: number, text: string): Promise<void> {
  response.writeHead(status);
  for (const byte of Buffer.from(text)) {
    response.write(Buffer.of(byte));
    await sleep(0);
  }
  response.end();
}

function whole(
  status: number,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Answer {
  return (response) => response.writeHead(status, headers).end(body);
}

const SHAPES: readonly (readonly [what: string, answer: Answer, statusCode: number])[] = [
  ['a chunk for every byte', (response) => void inPieces(response, 201, GOOD), 201],
  ['a byte-order mark first', whole(200, `\ufeff${GOOD}`), 200],
  ['compressed unasked', whole(200, gzipSync(GOOD), { 'content-encoding': 'gzip' }), 558],
  ['a redirection', whole(302, '', { location: 'http://127.0.0.1:1/elsewhere' }), 302],
  ['no content', whole(204, ''), 204],
  ['accepted, without a result', whole(202, GOOD), 202],
  ['nothing but white space', whole(200, ' \r\n'), 557],
  ['null', whole(200, 'null'), 558],
  ['a page', whole(200, '<html></html>'), 558],
  ['more than anybody reads', whole(200, `{"x": "${'y'.repeat(5 * 1_024 * 1_024)}"}`), 558],
  ['an own error, a chunk for every byte', (it) => void inPieces(it, 500, OWN_ERROR), 500],
  ['an own error behind a byte-order mark', whole(500, `\ufeff${OWN_ERROR}`), 500],
  ['an error of another server', whole(500, '{"message": "nginx"}'), 556],
  ['an error without a body', whole(500, ''), 556],
  ['an error whose body never comes', (it) => it.writeHead(500).flushHeaders(), 556],
  [
    'a reset in the middle of the body',
    (it) => {
      it.writeHead(200).write(GOOD.slice(0, 20), () => it.socket?.resetAndDestroy());
    },
    555,
  ],
  [
    'an end in the middle of the body',
    (it) => {
      it.writeHead(200, { 'content-length': GOOD.length });
      it.write(GOOD.slice(0, 20), () => it.socket?.end());
    },
    555,
  ],
];

for (const [what, answer, statusCode] of SHAPES) {
  test(`${what}: ${statusCode}`, async () => {
    await using host = await OneAnswer.start(answer);
    await using client = HostClient.open(host.address);
    const request = { taskId: 't', snapshotTaskToken: 's', isVmAdeEnabled: false };
    const pre = await preSnapshot(client, request, new AbortController().signal);
    const isGood = statusCode === 200 || statusCode === 201;
    assert.is(pre.statusCode, statusCode);
    assert.is(pre.succeeded, isGood);
    assert.is(pre.nodeId, isGood ? NODE : undefined);
    const [answered, ...others] = await fire(client);
    assert.equal(others, []);
    assert.is(answered?.host?.statusCode, statusCode);
    assert.is(answered?.snapshot !== undefined, isGood);
    assert.is(answered?.failure !== undefined, !isGood);
    assert.is(host.requests, 2, 'asked again, or elsewhere');
  });
}

async function fire(client: HostClient): ReturnType<HostProvider['answers']> {
  const call = doSnapshotCall({
    taskId: 't',
    diskIds: [3],
    settings: [],
    snapshotTaskToken: 's',
    metadata: [],
    instantAccessDurationMinutes: undefined,
  });
  const ended = Promise.withResolvers<void>();
  await using provider = new HostProvider(client, call, {
    onEvent: () => ended.resolve(),
  });
  provider.fire([0], process.hrtime.bigint() + 10_000_000_000n);
  await ended.promise;
  return await provider.answers();
}

/** Answers everything in the same way. */
class OneAnswer implements AsyncDisposable {
  requests = 0;
  readonly #server: Server;

  private constructor(answer: Answer) {
    this.#server = createServer((request, response) => {
      this.requests += 1;
      response.on('error', () => {});
      request.resume().once('end', () => answer(response));
    });
  }

  static async start(answer: Answer): Promise<OneAnswer> {
    const host = new OneAnswer(answer);
    host.#server.listen(0, '127.0.0.1');
    await once(host.#server, 'listening');
    return host;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

test.run();
