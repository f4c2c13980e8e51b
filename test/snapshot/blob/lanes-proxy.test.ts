import * as assert from 'uvu/assert';
import type { Preflight } from '../../../src/snapshot/snapshot-types.ts';
import { suite } from '../../suite.ts';
import { trustOwnAuthority } from './fixtures/authority.ts';
import { answer, answerHead, answerSnapshot, Peer, type Script } from './fixtures/peer.ts';
import { TunnelProxy } from './fixtures/tunnel-proxy.ts';
import { inMs, targets, WatchedLanes } from './fixtures/window.ts';

const authority = trustOwnAuthority(import.meta.filename);
const test = suite('lanes through a proxy');

const GOOD = 'user:p%40ss';

function proxied(proxy: TunnelProxy, credentials = GOOD): () => string {
  return () => `http://${credentials}@127.0.0.1:${proxy.port}`;
}

async function preflightThrough(
  proxyFor: () => string,
  origin: string,
): Promise<Preflight | undefined> {
  await using watched = await WatchedLanes.open(targets(origin, 1), {
    proxyFor,
    preflightTimeoutMs: 3_000,
  });
  const [found] = await watched.lanes.preflight();
  return found;
}

test('one tunnel for each blob, opened before the window and kept', async () => {
  await using peer = await Peer.start(authority.trusted);
  await using proxy = await TunnelProxy.start();
  await using watched = await WatchedLanes.open(targets(peer.origin, 4), {
    proxyFor: proxied(proxy),
  });
  await watched.lanes.preflight();
  assert.is(proxy.tunnels.length, 4);
  const rewarmed = await watched.lanes.rewarm();
  assert.ok(rewarmed.every((it) => it.ok && it.warm));
  watched.lanes.fire([0, 1, 2, 3], inMs(5_000));
  await watched.ended(4);
  const answers = await watched.lanes.answers();
  assert.is(answers.filter(({ snapshot }) => snapshot !== undefined).length, 4);
  assert.equal(proxy.tunnels, Array(4).fill(new URL(peer.origin).host));
});

test('a connection that breaks inside the window is replaced through the proxy', async () => {
  await using peer = await Peer.start(authority.trusted, {
    snapshot: (request) => {
      if (request.nth === 1) {
        request.raw.destroy();
      } else {
        answer(201, { 'x-ms-snapshot': '2026-11-22T02:41:52.6390000Z' })(request);
      }
    },
  });
  await using proxy = await TunnelProxy.start();
  await using watched = await WatchedLanes.open(targets(peer.origin, 1), {
    proxyFor: proxied(proxy),
  });
  await watched.lanes.preflight();
  await watched.lanes.rewarm();
  watched.lanes.fire([0], inMs(5_000));
  await watched.ended(1);
  const [first] = await watched.lanes.answers();
  assert.ok(first);
  assert.is(first.attempts, 2);
  assert.ok(first.snapshot);
  assert.is(proxy.tunnels.length, 2);
});

/** The answer, then the end of the connection, which nothing in the answer announces. */
function thenEnd(script: Script): Script {
  return (request) => {
    script(request);
    request.socket.end();
  };
}

for (const isProxied of [true, false]) {
  const way = isProxied ? 'through a proxy' : 'without a proxy';
  test(`a connection that ends after every answer, ${way}, is reported as not warm, and still used`, async () => {
    await using peer = await Peer.start(authority.trusted, {
      head: thenEnd(answerHead),
      firstByte: thenEnd(answer(206, { 'content-range': 'bytes 0-0/1073741824' }, 'h')),
      snapshot: thenEnd(answerSnapshot),
    });
    await using proxy = await TunnelProxy.start();
    await using watched = await WatchedLanes.open(
      targets(peer.origin, 2),
      isProxied ? { proxyFor: proxied(proxy) } : {},
    );
    await watched.lanes.preflight();
    const rewarmed = await watched.lanes.rewarm();
    assert.equal(
      rewarmed,
      [0, 1].map((target) => ({ ok: true, target, warm: false })),
    );
    watched.lanes.fire([0, 1], inMs(5_000));
    await watched.ended(2);
    const answers = await watched.lanes.answers();
    assert.ok(answers.every(({ snapshot }) => snapshot !== undefined));
    assert.is(peer.connections, 6);
    assert.is(proxy.tunnels.length, isProxied ? 6 : 0);
  });
}

test('the message about a proxy that refuses has its answer and what to check, but not its password', async () => {
  await using peer = await Peer.start(authority.trusted);
  await using proxy = await TunnelProxy.start();
  const found = await preflightThrough(proxied(proxy, 'user:hunter2'), peer.origin);
  assert.ok(found?.ok === false);
  assert.is(found.failure.kind, 'proxy');
  assert.match(
    found.failure.message,
    /did not open a tunnel to it \(PROXY_HTTP_407\); check HttpProxy\.Host/,
  );
  assert.not.match(JSON.stringify(found), /hunter2|sig=/);
  assert.is(peer.connections, 0);
});

test('a proxy that does not exist is reported too', async () => {
  await using peer = await Peer.start(authority.trusted);
  const found = await preflightThrough(() => 'http://127.0.0.1:1', peer.origin);
  assert.ok(found?.ok === false);
  assert.match(found.failure.message, 'PROXY_ECONNREFUSED');
});

test('the certificate inside the tunnel is verified', async () => {
  await using peer = await Peer.start(authority.misnamed);
  await using proxy = await TunnelProxy.start();
  const found = await preflightThrough(proxied(proxy), peer.origin);
  assert.ok(found?.ok === false);
  assert.is(found.failure.kind, 'tls');
});

test.run();
