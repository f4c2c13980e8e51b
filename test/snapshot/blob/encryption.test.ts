import * as assert from 'uvu/assert';
import type { BlobTarget } from '../../../src/snapshot/snapshot-types.ts';
import { suite } from '../../suite.ts';
import { trustOwnAuthority } from './fixtures/authority.ts';
import { answer, Peer, type Scripts } from './fixtures/peer.ts';
import { inMs, target, WatchedLanes } from './fixtures/window.ts';

const { trusted } = trustOwnAuthority(import.meta.filename);
const test = suite('disks with Azure Disk Encryption');

const HEADER = 'x-ms-meta-diskencryptionsettings';
const SETTINGS = '{"encryptionKeyURL": "unlock-me-please"}';
const GIVEN = [['backup', 'yes']] as const;

/** The results of preflight and snapshot for one encrypted disk. */
async function snapshotEncrypted(scripts: Scripts, metadata: BlobTarget['metadata'] = GIVEN) {
  await using peer = await Peer.start(trusted, scripts);
  const blobs = [target(peer.origin, 0, { metadata })];
  await using watched = await WatchedLanes.open(blobs, { encrypted: true });
  const [preflight] = await watched.lanes.preflight();
  await watched.lanes.rewarm();
  watched.lanes.fire([0], inMs(5_000));
  await watched.ended(1);
  const [found] = await watched.lanes.answers();
  const asked = peer.requests.map(({ path }) => /comp=(\w+)$/.exec(path)?.[1] ?? 'read');
  return { preflight, found, asked, snapshot: peer.snapshots[0], connections: peer.connections };
}

test('their metadata are read before the freeze, and the snapshot gets the settings that unlock them', async () => {
  const { preflight, found, asked, snapshot, connections } = await snapshotEncrypted({
    metadata: answer(200, { [HEADER]: SETTINGS }),
  });
  assert.ok(preflight?.ok);
  assert.ok(found?.snapshot);
  assert.equal(asked, ['read', 'metadata', 'read', 'snapshot']);
  assert.is(snapshot?.headers.get(HEADER), SETTINGS);
  assert.is(snapshot?.headers.get('x-ms-meta-backup'), 'yes');
  assert.is(connections, 1);
  const told = JSON.stringify({ preflight: { ...preflight, head: '' }, found }, withoutBigints);
  assert.not.match(told, 'unlock-me');
});

test('a disk without settings, as a data disk may be, gets none', async () => {
  const { preflight, snapshot } = await snapshotEncrypted({});
  assert.ok(preflight?.ok);
  assert.is(snapshot?.headers.has(HEADER), false);
});

test('a snapshot that keeps the blob’s own metadata needs nothing added', async () => {
  const { snapshot } = await snapshotEncrypted(
    { metadata: answer(200, { [HEADER]: SETTINGS }) },
    [],
  );
  assert.is(snapshot?.headers.has(HEADER), false);
});

test('metadata that cannot be read fail the preflight: such a snapshot could not be unlocked', async () => {
  const { preflight } = await snapshotEncrypted({ metadata: answer(404) });
  assert.is(preflight?.ok, false);
});

test('an answer that contains the whole blob is cut, and counts', async () => {
  const whole = Buffer.alloc(1 << 20, 'content');
  const { preflight, found, snapshot } = await snapshotEncrypted({
    metadata: answer(200, { [HEADER]: SETTINGS }, whole),
  });
  assert.ok(preflight?.ok);
  assert.ok(found?.snapshot);
  assert.is(snapshot?.headers.get(HEADER), SETTINGS);
});

function withoutBigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

test.run();
