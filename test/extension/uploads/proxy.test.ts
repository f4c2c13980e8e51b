import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import * as assert from 'uvu/assert';
import { uploadStatusBlob } from '../../../src/extension/uploads/upload.ts';
import { trustOwnAuthority } from '../../snapshot/blob/fixtures/authority.ts';
import { suite } from '../../suite.ts';
import { TextBlobs } from './text-blobs.ts';

const { folder } = trustOwnAuthority(import.meta.filename);
const test = suite('uploads through a proxy');

const startBlobs = (): Promise<TextBlobs> =>
  TextBlobs.start({ certificate: join(folder, 'trusted.pem'), key: join(folder, 'trusted.key') });

/** A proxy that tunnels (CONNECT) for whoever knows the password. */
class TunnelProxy implements AsyncDisposable {
  readonly #server: Server = createServer();
  readonly #sockets = new Set<Duplex>();
  readonly tunnels: string[] = [];

  static async start(): Promise<TunnelProxy> {
    const proxy = new TunnelProxy();
    proxy.#server.on('connect', (request, socket) => proxy.#tunnel(request, socket));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #tunnel({ url = '', headers }: IncomingMessage, socket: Duplex): void {
    const expected = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
    if (headers['proxy-authorization'] !== expected) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    this.tunnels.push(url);
    const onward = connect(Number(url.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const each of [socket, onward]) {
      this.#sockets.add(each);
      each.on('error', () => each.destroy());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

test('goes through the proxy that is given, with its user name and password', async () => {
  await using blobs = await startBlobs();
  await using proxy = await TunnelProxy.start();
  await blobs.container.getPageBlobClient('proxied').create(512);
  const url = `http://user:p%40ss@127.0.0.1:${proxy.port}`;
  assert.equal(await uploadStatusBlob(blobs.uri('proxied'), 'text', { proxy: url }), { ok: true });
  assert.match(await blobs.content('proxied'), /^text +$/);
  assert.ok(proxy.tunnels.length > 0);
});

test('a proxy that refuses is a failed upload, told without the password', async () => {
  await using blobs = await startBlobs();
  await using proxy = await TunnelProxy.start();
  const result = await uploadStatusBlob(blobs.uri('proxied'), 'text', {
    proxy: `http://user:hunter2@127.0.0.1:${proxy.port}`,
  });
  assert.is(result.ok, false);
  assert.not.match(JSON.stringify(result), /hunter2|sig=/);
  assert.equal(proxy.tunnels, []);
});

test('goes straight to the service where none is given, whatever the environment says', async () => {
  await using blobs = await startBlobs();
  await using proxy = await TunnelProxy.start();
  await blobs.container.getPageBlobClient('direct').create(512);
  process.env.HTTPS_PROXY = `http://user:p%40ss@127.0.0.1:${proxy.port}`;
  try {
    assert.equal(await uploadStatusBlob(blobs.uri('direct'), 'text'), { ok: true });
  } finally {
    delete process.env.HTTPS_PROXY;
  }
  assert.equal(proxy.tunnels, []);
});

test.run();
