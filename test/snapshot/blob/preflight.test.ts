import * as assert from 'uvu/assert';
import { BlobLanes } from '../../../src/snapshot/blob/lanes.ts';
import type { Preflight } from '../../../src/snapshot/snapshot-types.ts';
import { suite } from '../../suite.ts';
import { recordedHead } from '../matching/fixtures/heads.ts';
import { trustOwnAuthority } from './fixtures/authority.ts';
import { blobAt } from './fixtures/blobs.ts';
import { answer, answerPage, inTurn, Peer, refuse, reset, type Scripts } from './fixtures/peer.ts';
import { target } from './fixtures/window.ts';

const { trusted } = trustOwnAuthority(import.meta.filename);
const test = suite('preflight of blobs');

const MAY_NOT = refuse(403, 'AuthorizationPermissionMismatch');
const NO_BLOB = refuse(404, 'BlobNotFound');

interface Found {
  readonly preflight: Preflight | undefined;
  readonly requests: string[];
  readonly warm: unknown;
}

async function preflight(permissions: string, scripts: Scripts): Promise<Found> {
  await using peer = await Peer.start(trusted, scripts);
  const url = `${peer.origin}/disks/d.vhd?sv=1&${permissions}&sig=secret`;
  await using lanes = await BlobLanes.open([target(peer.origin, 0, { blob: blobAt(url) })]);
  const [found] = await lanes.preflight();
  const requests = peer.requests.map(
    ({ method, path }) => `${method} ${path.replace(/.*sig=secret&?/, '')}`,
  );
  return { preflight: found, requests, warm: await lanes.rewarm() };
}

const WARM = [{ ok: true, target: 0, warm: true }];

test('a SAS that may only write is proved by a request that changes nothing', async () => {
  const found = await preflight('sp=w', {});
  assert.equal(found.requests, ['PUT comp=lease']);
  assert.is(found.preflight?.ok && found.preflight.head.identity.state, 'unreadable');
  assert.equal(found.warm, WARM);
});

test('a SAS whose policy does not permit reading is proved by that request too', async () => {
  const found = await preflight('si=policy', { head: MAY_NOT });
  assert.equal(found.requests, ['GET ', 'PUT comp=lease']);
  assert.is(found.preflight?.ok, true);
  assert.equal(found.warm, WARM);
});

test('a SAS that may only create cannot be tested with a lease, and is accepted', async () => {
  const found = await preflight('sp=c', { probe: MAY_NOT });
  assert.is(found.preflight?.ok, true);
  assert.equal(found.warm, WARM);
});

test('the page of a gateway is not taken for the blob, with and without reading', async () => {
  for (const permissions of ['sp=rw', 'sp=w']) {
    const found = await preflight(permissions, { head: answerPage, probe: answerPage });
    assert.ok(found.preflight?.ok === false);
    assert.is(found.preflight.failure.kind, 'protocol');
  }
});

const REFUSED: [name: string, permissions: string, scripts: Scripts, status: number | undefined][] =
  [
    ['an expired SAS', 'sp=rw', { head: refuse(403, 'AuthenticationFailed') }, 403],
    ['a blob that does not exist', 'sp=rw', { head: NO_BLOB }, 404],
    ['a blob that does not exist, without reading', 'sp=w', { probe: NO_BLOB }, 404],
    [
      'an expired SAS, without reading',
      'sp=w',
      { probe: refuse(403, 'AuthenticationFailed') },
      403,
    ],
    ['a SAS whose policy permits neither', 'si=p', { head: MAY_NOT, probe: MAY_NOT }, 403],
    ['a SAS that may not write', 'sp=rl', {}, undefined],
    ['a service that stays in trouble', 'sp=rw', { head: refuse(500, 'InternalError') }, 500],
  ];

for (const [name, permissions, scripts, status] of REFUSED) {
  test(`${name} fails before anything is frozen`, async () => {
    const found = await preflight(permissions, scripts);
    assert.ok(found.preflight?.ok === false);
    assert.is(found.preflight.failure.kind, 'http');
    assert.is(found.preflight.failure.httpStatus, status);
    assert.is(status === undefined ? found.requests.length : 0, 0);
  });
}

test('a read that breaks in the middle is retried', async () => {
  const half = answer(206, { 'content-range': 'bytes 0-9/10', connection: 'close' }, 'half');
  const cut: typeof half = ({ socket }) => {
    socket.end('HTTP/1.1 206 Partial\r\ncontent-length: 10\r\n\r\nhalf');
  };
  // Its superblock is at the end of what is read.
  const whole = answer(
    206,
    { 'content-range': 'bytes 0-69631/1073741824' },
    recordedHead('btrfs-1'),
  );
  const found = await preflight('sp=rw', { head: inTurn(reset, cut, whole) });
  assert.equal(found.requests, ['GET ', 'GET ', 'GET ']);
  assert.is(found.preflight?.ok && found.preflight.head.identity.state, 'identified');
});

test('a SAS that expires after the preflight is noticed by re-warming', async () => {
  const found = await preflight('sp=rw', { firstByte: refuse(403, 'AuthenticationFailed') });
  assert.is(found.preflight?.ok, true);
  assert.match(JSON.stringify(found.warm), '"ok":false');
});

test.run();
