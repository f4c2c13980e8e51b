import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { uploadStatusBlob } from '../../../src/extension/uploads/upload.ts';
import { trustOwnAuthority } from '../../snapshot/blob/fixtures/authority.ts';
import { TunnelProxy } from '../../snapshot/blob/fixtures/tunnel-proxy.ts';
import { suite } from '../../suite.ts';
import { TextBlobs } from './text-blobs.ts';

const { folder } = trustOwnAuthority(import.meta.filename);
const test = suite('uploads through a proxy');

const startBlobs = (): Promise<TextBlobs> =>
  TextBlobs.start({ certificate: join(folder, 'trusted.pem'), key: join(folder, 'trusted.key') });

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
