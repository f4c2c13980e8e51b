import { mock } from 'node:test';
import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../src/errors.ts';
import { restorePointsOf } from '../../src/restore-points/group.ts';
import { manifestName } from '../../src/restore-points/manifest-file.ts';
import { METADATA_PREFIX, membershipValues } from '../../src/restore-points/membership.ts';
import { planPrune } from '../../src/restore-points/prune-plan.ts';
import { type ReadProgress, readBlobs } from '../../src/restore-points/read-blobs.ts';
import type { RestorePoint, StoredMember } from '../../src/restore-points/restore-point.ts';
import { suite } from '../suite.ts';
import { ListingServer } from './fixtures/listing-server.ts';
import { MIDNIGHT, manifestOf, membersOf } from './fixtures/members.ts';

const test = suite('reading restore points from containers');

function store(server: ListingServer, members: readonly StoredMember[]): void {
  for (const member of members) {
    server.addMember(
      member,
      Object.fromEntries(membershipValues(member.membership, METADATA_PREFIX)),
    );
  }
}

const points = async (server: ListingServer, permissions?: string) => {
  const inventory = await readBlobs([{ url: server.containerUrl(permissions), proxy: undefined }]);
  return {
    inventory,
    points: restorePointsOf(
      inventory.members,
      inventory.manifests.map(({ manifest }) => manifest),
      [],
      inventory,
    ),
  };
};

test('finds snapshots and manifests, and counts what is not ours', async () => {
  await using server = await ListingServer.start();
  const members = membersOf(3);
  store(server, members);
  server.addSnapshot('disk1.vhd', '2026-11-28T00:00:00.0000000Z', { policy: 'daily' });
  server.addBlob('disk1.vhd', '');
  server.addManifest(manifestOf(members));
  server.addBlob('flashfreeze/notes.json', '{"format":"something else"}');
  server.addBlob('flashfreeze/notes.txt', 'x');
  const { inventory, points: found } = await points(server);
  assert.is(inventory.others, 1);
  assert.is(found.length, 1);
  assert.is(found[0]?.worth, 'complete');
  assert.is(inventory.manifests[0]?.blob, 'flashfreeze/run-1.json');
  assert.match(inventory.warnings.join(), 'flashfreeze/notes.json');
  assert.is(server.requests.filter((it) => it.startsWith('GET flashfreeze/')).length, 2);
});

test('without the right to read, sets count as not recorded', async () => {
  await using server = await ListingServer.start();
  const members = membersOf(3);
  store(server, members);
  server.addManifest(manifestOf(members));
  const { inventory, points: found } = await points(server, 'l');
  assert.is(found[0]?.worth, 'notRecorded');
  assert.match(inventory.warnings.join(), 'expected a SAS that may read');
});

/** Snapshots of blobs on this server. */
const at = (server: ListingServer, members: readonly StoredMember[]) =>
  members.map(
    (it, index): StoredMember => ({
      ...it,
      place: {
        kind: 'blob',
        url: server.blobUrl(`disk%20${index + 1}:x.vhd`),
        snapshot: it.takenAt.toISOString(),
      },
    }),
  );

test('a snapshot that says nothing of itself belongs to the restore point whose manifest names it', async () => {
  for (const silent of [[0, 1, 2], [1]]) {
    await using server = await ListingServer.start();
    const members = at(server, membersOf(3));
    for (const [index, { place, membership }] of members.entries()) {
      const own = Object.fromEntries(membershipValues(membership, METADATA_PREFIX));
      const snapshot = place.kind === 'blob' ? place.snapshot : '';
      const metadata = silent.includes(index) ? { owner: 'x' } : own;
      server.addSnapshot(`disk ${index + 1}:x.vhd`, snapshot, metadata);
    }
    server.addSnapshot('disk 1:x.vhd', '2026-11-28T00:00:00.0000000Z', { owner: 'y' });
    server.addManifest(manifestOf(members));
    const { inventory, points: found } = await points(server);
    assert.is(inventory.others, 1, 'the one that no manifest names');
    assert.is(found.length, 1);
    assert.is(found[0]?.worth, 'complete');
    assert.equal(
      found[0]?.members.map(({ membership }) => membership.position),
      [1, 2, 3],
    );
    assert.equal(found[0]?.members[1]?.values, { owner: 'x' });
    assert.equal(found[0]?.surplus, []);
  }
});

/** A run so many days before midnight: the snapshot of its second disk says nothing of itself, only its manifest names it. */
function storeWithSilentOne(server: ListingServer, run: string, daysAgo: number): string {
  const takenAt = new Date(MIDNIGHT.getTime() - daysAgo * 86_400_000);
  const members = at(server, membersOf(3, { run, takenAt }));
  for (const [index, { place, membership }] of members.entries()) {
    const own = Object.fromEntries(membershipValues(membership, METADATA_PREFIX));
    const snapshot = place.kind === 'blob' ? place.snapshot : '';
    server.addSnapshot(`disk ${index + 1}:x.vhd`, snapshot, index === 1 ? {} : own);
  }
  const manifest = manifestOf(members);
  const name = manifestName(manifest);
  server.addBlob(name, JSON.stringify(manifest));
  return name;
}

test('a complete set whose manifest could not be read this once is not pruned as incomplete', async () => {
  await using server = await ListingServer.start();
  const names = ['old', 'new'].map((run, index) => storeWithSilentOne(server, run, 2 - index));
  const wishes = {
    ...{ rule: { last: 1 }, incomplete: true, acceptUnrecorded: false, allowNoneLeft: false },
    ...{ matches: () => true, isListed: () => true },
  };
  const verdicts = async () => {
    const { inventory, points: found } = await points(server);
    return { inventory, verdicts: planPrune(found, wishes, MIDNIGHT) };
  };
  assert.equal(
    (await verdicts()).verdicts.map(({ point, isRemoved }) => [point.id, isRemoved]),
    [
      ['new', false],
      ['old', true],
    ],
    'both are complete',
  );
  for (const [index, name] of names.entries()) {
    server.refuses = (_, url) => decodeURIComponent(url.pathname).endsWith(name);
    const { inventory, verdicts: found } = await verdicts();
    assert.equal(inventory.unread, [name]);
    assert.match(inventory.warnings.join(), `1 manifests could not be read`);
    assert.equal(
      found.filter(({ isRemoved }) => isRemoved),
      [],
    );
    const unread = found.find(({ point }) => point.id === ['old', 'new'][index]);
    assert.is(unread?.point.worth, 'incomplete');
    assert.equal(unread?.reasons, ['its manifest could not be read']);
  }
});

/** Takes snapshots of the three blobs so many days after midnight, with the metadata of this run, whichever it is. */
function storeLater(server: ListingServer, run: string, days: number): StoredMember[] {
  const takenAt = new Date(MIDNIGHT.getTime() + days * 86_400_000);
  const members = at(server, membersOf(3, { run, takenAt }));
  for (const [index, { place, membership }] of members.entries()) {
    const snapshot = place.kind === 'blob' ? place.snapshot : '';
    const own = Object.fromEntries(membershipValues(membership, METADATA_PREFIX));
    server.addSnapshot(`disk ${index + 1}:x.vhd`, snapshot, own);
  }
  return members;
}

const shapeOf = ({ id, worth, members, surplus }: RestorePoint) => ({
  ...{ id, worth, surplus: surplus.length },
  taken: members.map(({ takenAt }) => takenAt.toISOString().slice(0, 10)),
});
const NOV_29 = ['2026-11-29', '2026-11-29', '2026-11-29'];
const NOV_30 = ['2026-11-30', '2026-11-30', '2026-11-30'];

test('a manifest claims the snapshots that it names, whatever metadata they inherited', async () => {
  await using server = await ListingServer.start();
  server.addManifest(manifestOf(storeLater(server, 'old', 0)));
  server.addManifest(manifestOf(storeLater(server, 'old', 1), { id: 'new' }));
  const { inventory, points: found } = await points(server);
  assert.is(inventory.others, 0);
  assert.equal(found.map(shapeOf), [
    { id: 'new', worth: 'complete', surplus: 0, taken: NOV_30 },
    { id: 'old', worth: 'complete', surplus: 0, taken: NOV_29 },
  ]);
});

test('snapshots that inherited the metadata of a set are none of it, with and without its manifest', async () => {
  for (const worth of ['complete', 'notRecorded'] as const) {
    await using server = await ListingServer.start();
    const old = storeLater(server, 'old', 0);
    storeLater(server, 'old', 1);
    if (worth === 'complete') {
      server.addManifest(manifestOf(old));
    }
    const { points: found } = await points(server);
    assert.equal(found.map(shapeOf), [{ id: 'old', worth, surplus: 0, taken: NOV_29 }]);
    assert.is(found[0]?.doubt, undefined);
  }
});

test('while a blob has the metadata of a set, prune keeps the set unless its manifest says what belongs to it', async () => {
  await using server = await ListingServer.start();
  const [first, ...others] = storeLater(server, 'old', 0);
  assert.ok(first !== undefined);
  const own = Object.fromEntries(membershipValues(first.membership, METADATA_PREFIX));
  server.addBlob('disk 1:x.vhd', '', own);
  server.addManifest(manifestOf([first, ...others]));
  assert.is((await points(server)).points[0]?.doubt, undefined);

  // Another tool took a snapshot of this blob within the hour.
  const again = new Date(MIDNIGHT.getTime() + 1_800_000).toISOString();
  server.addSnapshot('disk 1:x.vhd', again, own);
  const { points: found } = await points(server);
  assert.is(found[0]?.worth, 'complete');
  assert.is(found[0]?.doubt, 'onBlob');
  server.refuses = (_, url) => url.pathname.endsWith('old.json');
  assert.is((await points(server)).points[0]?.doubt, 'onBlob');
});

test('reads page by page, and says how far it is', async () => {
  await using server = await ListingServer.start();
  for (let run = 0; run < 834; run += 1) {
    const takenAt = new Date(MIDNIGHT.getTime() - run * 3_600_000);
    store(server, membersOf(3, { run: `run-${run}`, takenAt }));
  }
  const seen: ReadProgress[] = [];
  const url = server.containerUrl();
  const { members } = await readBlobs([{ url, proxy: undefined }], (it) => seen.push(it));
  assert.is(members.length, 2_502);
  assert.equal(
    seen.map(({ snapshots }) => snapshots),
    [1_000, 2_000, 2_502],
  );
});

test('the time limit is one of each page, not of the listing', async () => {
  await using server = await ListingServer.start();
  for (let run = 0; run < 2_500; run += 1) {
    store(server, membersOf(1, { run: `run-${run}`, takenAt: new Date(run * 1_000) }));
  }
  const limits: AbortSignal[] = [];
  const original = AbortSignal.timeout.bind(AbortSignal);
  const timeout = mock.method(AbortSignal, 'timeout', (ms: number) => {
    const signal = original(ms);
    limits.push(signal);
    return signal;
  });
  const { members } = await readBlobs([{ url: server.containerUrl(), proxy: undefined }]);
  timeout.mock.restore();
  assert.is(members.length, 2_500);
  assert.is(new Set(limits).size, 3);
});

test('a page that is refused ends the reading', async () => {
  await using server = await ListingServer.start();
  for (let run = 0; run < 1_500; run += 1) {
    store(server, membersOf(1, { run: `run-${run}`, takenAt: new Date(run * 1_000) }));
  }
  server.refuses = (_, url) => url.searchParams.get('marker') === '1000';
  try {
    await points(server);
    assert.unreachable();
  } catch (error) {
    assert.ok(error instanceof FlashfreezeError, String(error));
    assert.is(error.code, 'FF_CONTAINER_REFUSED');
    assert.not.match(error.message, 'sig=c2');
  }
});

test.run();
