import * as assert from 'uvu/assert';
import { uploadLogBlob, uploadStatusBlob } from '../../../src/extension/uploads/upload.ts';
import { suite } from '../../suite.ts';
import { TextBlobs } from './text-blobs.ts';

const test = suite('status and log blobs in Azurite');
const MIB = 1024 * 1024;
const OLD = Buffer.alloc(4096, 'x');

/** Of a page blob: the text without the spaces and zeros that pad it to whole pages. */
async function pageText(blobs: TextBlobs, name: string): Promise<string> {
  const content = await blobs.content(name);
  assert.is(Buffer.byteLength(content) % 512, 0);
  return content.replace(/ *\0*$/, '');
}

test('a block blob is replaced, and keeps its content type and metadata', async () => {
  await using blobs = await TextBlobs.start();
  const client = blobs.container.getBlockBlobClient('block');
  await client.upload(OLD, OLD.length, {
    blobHTTPHeaders: { blobContentType: 'text/plain' },
    metadata: { owner: 'service' },
  });
  assert.equal(await uploadStatusBlob(blobs.uri('block'), '[{"a":"ü"}]'), { ok: true });
  assert.is(await blobs.content('block'), '[{"a":"ü"}]');
  const { contentType, metadata } = await client.getProperties();
  assert.equal([contentType, metadata], ['text/plain', { owner: 'service' }]);
});

test('a page blob keeps its size where that will do, and nothing of its old text', async () => {
  await using blobs = await TextBlobs.start();
  const client = blobs.container.getPageBlobClient('page');
  await client.create(OLD.length, { metadata: { owner: 'service' } });
  await client.uploadPages(OLD, 0, OLD.length);
  assert.equal(await uploadStatusBlob(blobs.uri('page'), 'a'.repeat(513)), { ok: true });
  const content = await blobs.content('page');
  assert.is(content, 'a'.repeat(513) + ' '.repeat(511) + '\0'.repeat(3072));
  assert.equal((await client.getProperties()).metadata, { owner: 'service' });
});

test('a page blob that is too small grows to whole pages, in writes of 4 MiB', async () => {
  await using blobs = await TextBlobs.start();
  const client = blobs.container.getPageBlobClient('small');
  for (const length of [0, 1, 512, 513, 4 * MIB, 4 * MIB + 1, 9 * MIB]) {
    await client.create(length === 1 ? 0 : 512);
    const text = 'y'.repeat(length);
    assert.equal(await uploadStatusBlob(blobs.uri('small'), text), { ok: true });
    const { contentLength } = await client.getProperties();
    assert.is(contentLength, Math.max(512, Math.ceil(length / 512) * 512));
    assert.is(await pageText(blobs, 'small'), text);
  }
});

test('a blob that cannot be looked at or does not exist is taken for a page blob', async () => {
  await using blobs = await TextBlobs.start();
  const client = blobs.container.getPageBlobClient('write only');
  await client.create(OLD.length);
  await client.uploadPages(OLD, 0, OLD.length);
  for (const [name, permissions] of [
    ['write only', 'w'],
    ['absent', 'rcw'],
  ] as const) {
    assert.equal(await uploadLogBlob(blobs.uri(name, permissions), 'line\n'), { ok: true });
    const { blobType } = await blobs.container.getBlobClient(name).getProperties();
    assert.is(blobType, 'PageBlob');
    assert.is(await pageText(blobs, name), 'line\n');
  }
});

test('of a log over 10 MiB the end is kept, from the beginning of a character on', async () => {
  await using blobs = await TextBlobs.start();
  await blobs.container.getPageBlobClient('log').create(512);
  const text = `${'ü'.repeat(6 * MIB)}the end`;
  assert.equal(await uploadLogBlob(blobs.uri('log'), text), { ok: true });
  const kept = await pageText(blobs, 'log');
  assert.ok(text.endsWith(kept));
  assert.is(Buffer.byteLength(kept), 10 * MIB - 1);
});

test('an address with %20 and letters beyond ASCII will do, encoded or not', async () => {
  await using blobs = await TextBlobs.start();
  const name = 'mein Blob ä😀.txt';
  await blobs.container.getPageBlobClient(name).create(512);
  const uri = blobs.uri(name);
  assert.match(uri, /%20/);
  const raw = uri.replace(encodeURIComponent('ä😀'), 'ä😀');
  assert.is.not(raw, uri);
  for (const [index, each] of [uri, raw, ` ${uri}\n`].entries()) {
    assert.equal(await uploadStatusBlob(each, `text ${index}`), { ok: true });
    assert.is(await pageText(blobs, name), `text ${index}`);
  }
});

test('a refusal and a blob of another type are told without the address', async () => {
  await using blobs = await TextBlobs.start();
  await blobs.container.getAppendBlobClient('append').create();
  const wrong = blobs.uri('append').replace(/sig=[^&]{5}/, 'sig=wrong');
  assert.equal(await uploadStatusBlob(wrong, 'x'), {
    ok: false,
    message: 'the status blob could not be written: HTTP 403 AuthorizationFailure',
  });
  assert.equal(await uploadLogBlob(blobs.uri('append'), 'x'), {
    ok: false,
    message:
      'the log blob could not be written: it is an append blob; expected a page or a block blob.',
  });
  assert.is(await blobs.content('append'), '');
});

test.run();
