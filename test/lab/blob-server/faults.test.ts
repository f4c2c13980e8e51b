import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConnectionOptions, connect } from 'node:tls';
import * as assert from 'uvu/assert';
import type { ConnectionFault, RequestFault } from '../../../src/lab/blob-server/model.ts';
import { Rig } from '../../../src/lab/blob-server/rig.ts';
import { suite } from '../../suite.ts';

const test = suite('faults of the blob server');

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'answered';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

const connectionFaults: readonly (readonly [ConnectionFault['kind'], RegExp])[] = [
  ['refuse', /ECONNREFUSED/],
  ['close-at-accept', /ECONNRESET/],
  ['tls-garbage', /EPROTO|ERR_SSL/],
  ['tls-untrusted', /UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN/],
];
for (const [kind, expected] of connectionFaults) {
  test(`${kind}: no request gets through, on this blob alone, until it is cleared`, async () => {
    await using rig = await Rig.start({}, 2);
    await rig.server.setFault({ at: 'connection', blob: 'disk0', fault: { kind } });
    assert.match(await codeOf(rig.snapshot('disk0')), expected);
    assert.is((await rig.snapshot('disk1')).status, 201);
    await rig.server.clearFaults('disk0');
    assert.is((await rig.snapshot('disk0')).status, 201);
    assert.is((await rig.server.snapshots('disk0')).length, 1);
  });
}

const brokenAnswers: readonly (readonly [RequestFault & { handled: boolean }, RegExp])[] = [
  [{ kind: 'reset', handled: false }, /ECONNRESET/],
  [{ kind: 'reset', handled: true }, /ECONNRESET/],
  [{ kind: 'half-answer', handled: true, ending: 'close' }, /ECONNRESET|HPE_INVALID_EOF_STATE/],
  [{ kind: 'garbage', handled: false }, /HPE_/],
];
for (const [fault, expected] of brokenAnswers) {
  test(`${fault.kind}, handled ${fault.handled}: the client fails, the snapshot ${
    fault.handled ? 'exists' : 'does not exist'
  }`, async () => {
    await using rig = await Rig.start();
    await rig.server.setFault({ at: 'request', blob: 'disk0', fault });
    assert.match(await codeOf(rig.snapshot()), expected);
    assert.is((await rig.server.snapshots('disk0')).length, fault.handled ? 1 : 0);
    const [request] = await rig.server.requests();
    assert.is(request?.fault, fault.kind);
    assert.is(request?.answeredNs, undefined);
  });
}

test('no answer: the request stays open', async () => {
  await using rig = await Rig.start();
  const fault = { kind: 'no-answer', handled: true } as const;
  await rig.server.setFault({ at: 'request', blob: 'disk0', fault });
  const giveUp = new AbortController();
  const asked = codeOf(
    rig.ask(`${rig.server.sasUrl('disk0')}&comp=snapshot`, {
      method: 'PUT',
      headers: { 'Content-Length': '0' },
      signal: giveUp.signal,
    }),
  );
  while ((await rig.server.snapshots('disk0')).length === 0) {
    await delay(10);
  }
  // An answer would come now.
  assert.is(await Promise.race([asked, delay(200, 'none')]), 'none');
  giveUp.abort();
  assert.match(await asked, /ABORT/);
});

test('status faults carry code and Retry-After and take no snapshot', async () => {
  await using rig = await Rig.start();
  const fault = { kind: 'status', status: 503, code: 'ServerBusy', retryAfterSeconds: 3 } as const;
  await rig.server.setFault({ at: 'request', blob: 'disk0', fault });
  const reply = await rig.snapshot();
  assert.is(reply.status, 503);
  assert.is(reply.headers['x-ms-error-code'], 'ServerBusy');
  assert.is(reply.headers['retry-after'], '3');
  assert.is((await rig.server.snapshots('disk0')).length, 0);
});

test('skip and times pick the n-th request, other operations are not counted', async () => {
  await using rig = await Rig.start();
  const fault = { kind: 'status', status: 500, code: 'InternalError' } as const;
  await rig.server.setFault({ at: 'request', blob: 'disk0', fault, skip: 1, times: 1 });
  const statuses = [];
  for (let round = 0; round < 3; round += 1) {
    await rig.ask(`${rig.server.sasUrl('disk0')}&comp=metadata`);
    statuses.push((await rig.snapshot()).status);
  }
  assert.equal(statuses, [201, 500, 201]);
});

/** A TLS connection without an HTTP parser: what arrives is seen as it is. */
async function rawExchange(rig: Rig): Promise<{ socket: Socket; text: () => string }> {
  const url = new URL(rig.server.sasUrl('disk0'));
  const options: ConnectionOptions = { host: '127.0.0.1', port: Number(url.port) };
  const socket = connect({ ...options, ca: rig.agent.options.ca });
  await once(socket, 'secureConnect');
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  socket.write(
    `PUT ${url.pathname}${url.search}&comp=snapshot HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`,
  );
  return { socket, text: () => received };
}

test('trickle sends one byte after the other', async () => {
  await using rig = await Rig.start();
  const fault = { kind: 'trickle', handled: false, byteIntervalMs: 20 } as const;
  await rig.server.setFault({ at: 'request', blob: 'disk0', fault });
  const { socket, text } = await rawExchange(rig);
  let chunks = 0;
  for await (const chunk of socket) {
    assert.is((chunk as Buffer).length, 1);
    chunks += 1;
    if (chunks === 12) {
      break;
    }
  }
  assert.is(text(), 'HTTP/1.1 500');
});

test('half an answer that hangs leaves the connection open', async () => {
  await using rig = await Rig.start();
  const fault = { kind: 'half-answer', handled: true, ending: 'hang' } as const;
  await rig.server.setFault({ at: 'request', blob: 'disk0', fault });
  const { socket, text } = await rawExchange(rig);
  await once(socket, 'data');
  assert.match(text(), /^HTTP\/1.1 201/);
  assert.not.match(text(), /\r\n\r\n/);
  assert.is(socket.readableEnded, false);
  socket.destroy();
});

test('close while idle: a whole answer, then the end of the stream', async () => {
  await using rig = await Rig.start();
  const fault = { kind: 'close-idle', afterMs: 20 } as const;
  await rig.server.setFault({ at: 'request', blob: 'disk0', fault });
  const { socket, text } = await rawExchange(rig);
  await once(socket, 'end');
  assert.match(text(), /x-ms-snapshot: .*\r\n\r\n$/s);
  socket.destroy();
});

test('keep-alive-timeout announces itself', async () => {
  await using rig = await Rig.start();
  const fault = { kind: 'keep-alive-timeout', seconds: 2 } as const;
  await rig.server.setFault({ at: 'request', blob: 'disk0', fault });
  assert.is((await rig.snapshot()).headers['keep-alive'], 'timeout=2');
});

test('without a fault the server announces no keep-alive limit', async () => {
  await using rig = await Rig.start();
  assert.is((await rig.snapshot()).headers['keep-alive'], undefined);
});

test.run();
