import * as assert from 'uvu/assert';
import { restorePointsOf } from '../../src/restore-points/group.ts';
import { METADATA_PREFIX, membershipValues } from '../../src/restore-points/membership.ts';
import { blobStore } from '../../src/restore-points/prune-stores.ts';
import { readBlobs } from '../../src/restore-points/read-blobs.ts';
import { suite } from '../suite.ts';
import { ListingServer } from './fixtures/listing-server.ts';
import { manifestOf, member } from './fixtures/members.ts';

const test = suite('where prune deletes');

test('a snapshot of a blob with any name, and only in a container that was given', async () => {
  await using server = await ListingServer.start();
  const metadata = Object.fromEntries(membershipValues(member().membership, METADATA_PREFIX));
  const names = ['os disk%41.vhd', 'folder/über+1.vhd', 'plain.vhd'];
  for (const name of names) {
    server.addSnapshot(name, '2026-11-29T00:00:00.0000000Z', metadata);
  }
  const containers = [{ url: server.containerUrl(), proxy: undefined }];
  const { members } = await readBlobs(containers);
  const store = blobStore(containers, []);
  assert.is(members.length, names.length);
  for (const { place } of members) {
    assert.ok(place.kind === 'blob' && store.isListed(place.url));
    assert.is(await store.deleteSnapshot(place), undefined);
    assert.is(await store.deleteSnapshot(place), undefined, 'it is gone already');
  }
  assert.equal(server.stored, []);
  const elsewhere = server.blobUrl('x').replace('/vhds/', '/vhds2/');
  assert.not.ok(store.isListed(elsewhere));
  const place = { kind: 'blob', url: elsewhere, snapshot: '2026-11-29T00:00:00Z' } as const;
  assert.match((await store.deleteSnapshot(place)) ?? '', 'none of the containers');
});

test('the manifest of another machine with the run’s identifier stays', async () => {
  await using server = await ListingServer.start();
  const containers = [{ url: server.containerUrl(), proxy: undefined }];
  for (const host of ['a', 'b']) {
    const manifest = manifestOf([member()], { host, vm: null });
    server.addBlob(`flashfreeze/${host}/run-1.json`, JSON.stringify(manifest));
  }
  const { manifests } = await readBlobs(containers);
  const points = restorePointsOf(
    [],
    manifests.map(({ manifest }) => manifest),
  );
  const ofA = points.find(({ host }) => host === 'a');
  assert.ok(ofA !== undefined);
  assert.is(await blobStore(containers, manifests).deleteManifest(ofA), undefined);
  assert.equal(server.stored, ['flashfreeze/b/run-1.json']);
});

test.run();
