import { AnonymousCredential, ContainerClient } from '@azure/storage-blob';
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { blobReader } from '../../../src/restore/blob-reader.ts';
import { blobStore } from '../../../src/restore-points/prune-stores.ts';
import { parseBlobs } from '../../../src/snapshot/blob/blob.ts';
import { blobKey, nameInContainer } from '../../../src/snapshot/blob/blob-place.ts';
import { withoutQuery } from '../../../src/snapshot/blob/blob-url.ts';
import { suite } from '../../suite.ts';

const test = suite('URLs of one container or blob, however they are written');

const ACCOUNT = 'https://acct.blob.core.windows.net';

/** Containers as a person may give them. */
const CONTAINERS: readonly (readonly [given: string, name: string])[] = [
  [`${ACCOUNT}/vhds?sv=1&sig=x`, 'disk-2026-01-01T00:00:00.vhd'],
  [`${ACCOUNT}/vhds/?sv=1&sig=x`, 'd.vhd'],
  [`${ACCOUNT}:443/vhds?sv=1&sig=x`, 'd.vhd'],
  ['https://Acct.Blob.core.windows.net/vhds?sv=1&sig=x', 'd.vhd'],
  [`${ACCOUNT}/vhds?sv=1&sig=x`, 'a+b@c,d;e=f&g$h(1).vhd'],
  [`${ACCOUNT}/vhds?sv=1&sig=x`, 'folder/os disk%41ü?#.vhd'],
  [`${ACCOUNT}/$root?sv=1&sig=x`, 'd.vhd'],
  [`${ACCOUNT}/%24root/?sv=1&sig=x`, 'd.vhd'],
  ['http://127.0.0.1:10000/devstoreaccount1/vhds/?sig=x', 'd.vhd'],
];

/** As the service's library writes it. */
function written(container: string, name: string): string {
  const client = new ContainerClient(container, new AnonymousCredential()).getBlobClient(name);
  return withoutQuery(client.url);
}

test('a blob is found in its container, and nowhere else', async () => {
  for (const [container, name] of CONTAINERS) {
    const url = written(container, name);
    const given = [{ url: container, proxy: undefined }];
    assert.is(nameInContainer(container, url), name, container);
    assert.ok(blobStore(given, []).isListed(url), container);
    const place = { kind: 'blob', url, snapshot: '2026-11-29T06:00:00.0000000Z' } as const;
    assert.ok((await blobReader(place, given, 10)) !== undefined, container);
  }
  for (const [container, url] of [
    [`${ACCOUNT}/vhds`, `${ACCOUNT}/vhds2/d.vhd`],
    [`${ACCOUNT}/vhds`, `${ACCOUNT}/vhds/`],
    [`${ACCOUNT}/vhds`, `${ACCOUNT}/vhds`],
    [`${ACCOUNT}/vhds`, 'https://other.blob.core.windows.net/vhds/d.vhd'],
    [`${ACCOUNT}/vhds`, `${ACCOUNT}:444/vhds/d.vhd`],
    [`${ACCOUNT}/vhds`, `${ACCOUNT}/d.vhd`],
    [`${ACCOUNT}/vhds`, '/subscriptions/1/disks/d'],
  ] as const) {
    assert.is(nameInContainer(container, url), undefined, `${container} ${url}`);
  }
  assert.is(nameInContainer(`${ACCOUNT}/$root`, `${ACCOUNT}/d.vhd`), 'd.vhd');
});

test('a blob as it was given and as the library writes it', () => {
  const same = [
    [`${ACCOUNT}/vhds/a:b+c@d,e;f=g&h$i.vhd`, written(`${ACCOUNT}/vhds`, 'a:b+c@d,e;f=g&h$i.vhd')],
    ['https://ACCT.blob.core.windows.net:443/vhds/d.vhd', `${ACCOUNT}/vhds/d.vhd`],
    [`${ACCOUNT}/vhds/folder%2Fd.vhd`, written(`${ACCOUNT}/vhds`, 'folder/d.vhd')],
    [`${ACCOUNT}/d.vhd`, written(`${ACCOUNT}/$root`, 'd.vhd')],
    [`${ACCOUNT}/vhds/100%.vhd`, `${ACCOUNT}/vhds/100%.vhd?sig=x`],
  ] as const;
  for (const [a, b] of same) {
    assert.is(blobKey(a), blobKey(b));
  }
  assert.is.not(blobKey(`${ACCOUNT}/vhds/d.vhd`), blobKey(`${ACCOUNT}/vhds/D.vhd`));
  assert.is.not(blobKey(`${ACCOUNT}/vhds/d.vhd`), blobKey(`${ACCOUNT}/vhds/d.vhd/`));
  assert.is(blobKey('no URL'), 'no URL');
});

test('a blob that is given twice is refused, however it is written', () => {
  const url = `${ACCOUNT}/vhds/a:b+c.vhd?sv=1&sig=x`;
  for (const again of [
    'https://ACCT.blob.core.windows.net:443/vhds/a:b+c.vhd',
    `${ACCOUNT}/vhds/%61%3Ab%2Bc.vhd`,
  ]) {
    assert.throws(
      () => parseBlobs([url, `${again}?sv=1&sig=x`].map((it) => ({ url: it, device: undefined }))),
      'expected each blob once',
    );
  }
});

test('whatever the name of a blob, it is read back', () => {
  const part = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
  const name = fc
    .array(part, { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join('/'))
    .filter((it) => !/(^|\/)\.{0,2}(\/|$)/.test(it) && it.isWellFormed());
  fc.assert(
    fc.property(name, fc.constantFrom('/vhds', '/vhds/', '/$root'), (it, container) => {
      const url = written(`${ACCOUNT}${container}`, it);
      assert.is(nameInContainer(`${ACCOUNT}${container}?sig=x`, url), it);
      assert.is(blobKey(url), blobKey(`${url}?sig=x`));
    }),
  );
});

test.run();
