import { join } from 'node:path';
import {
  AccountSASPermissions,
  generateAccountSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import * as assert from 'uvu/assert';
import { deleteSnapshot } from '../../../src/snapshot/blob/delete-snapshot.ts';
import { proxyOptions } from '../../../src/snapshot/blob/proxy-options.ts';
import { TextBlobs } from '../../extension/uploads/text-blobs.ts';
import { suite } from '../../suite.ts';
import { trustOwnAuthority } from './fixtures/authority.ts';
import { TunnelProxy } from './fixtures/tunnel-proxy.ts';

const { folder } = trustOwnAuthority(import.meta.filename);
const test = suite('the storage library through a proxy');

test('a proxy by its parts', () => {
  assert.equal(proxyOptions(undefined), {});
  assert.equal(proxyOptions('http://user:p%40ss@proxy:3128/'), {
    proxyOptions: { host: 'http://proxy', port: 3128, username: 'user', password: 'p@ss' },
  });
  assert.is(proxyOptions('http://proxy/').proxyOptions?.port, 80);
  assert.is(proxyOptions('https://proxy/').proxyOptions?.port, 443);
});

test('an unwanted snapshot is deleted through it', async () => {
  await using blobs = await TextBlobs.start({
    certificate: join(folder, 'trusted.pem'),
    key: join(folder, 'trusted.key'),
  });
  await using proxy = await TunnelProxy.start();
  const blob = blobs.container.getPageBlobClient('disk');
  await blob.create(512);
  const { snapshot = '' } = await blob.createSnapshot();
  const { credential } = blobs.container;
  assert.instance(credential, StorageSharedKeyCredential);
  // Azurite deletes snapshots only with a SAS of the account.
  const sas = generateAccountSASQueryParameters(
    {
      permissions: AccountSASPermissions.parse('rwd'),
      resourceTypes: 'o',
      services: 'b',
      expiresOn: new Date(Date.now() + 3_600_000),
    },
    credential as StorageSharedKeyCredential,
  );
  const through = `http://user:p%40ss@127.0.0.1:${proxy.port}`;
  assert.is(await deleteSnapshot(`${blob.url}?${sas}`, snapshot, through), undefined);
  assert.is(await blob.withSnapshot(snapshot).exists(), false);
  assert.is(proxy.tunnels.length, 1);
});

test.run();
