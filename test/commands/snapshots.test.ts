import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import {
  pruneReportSchema,
  snapshotListSchema,
  verifyReportSchema,
} from '../../src/report/schemas/stored-snapshots.ts';
import { METADATA_PREFIX, membershipValues } from '../../src/restore-points/membership.ts';
import type { StoredMember } from '../../src/restore-points/restore-point.ts';
import { busyRecord, runOf } from '../report/fixtures/runs.ts';
import { ListingServer } from '../restore-points/fixtures/listing-server.ts';
import { manifestOf, membersOf } from '../restore-points/fixtures/members.ts';
import { suite } from '../suite.ts';
import { flashfreeze } from './command-line.ts';

const test = suite('flashfreeze snapshots list and prune');

const DAY = 86_400_000;
/** The last midnight in UTC that is more than a day ago. */
const START = Math.floor(Date.now() / DAY - 1) * DAY;

/** The members of a run so many days ago, as the server stores them. */
function run(server: ListingServer, daysAgo: number, host = 'db1', count = 3): StoredMember[] {
  const takenAt = new Date(START - daysAgo * DAY);
  const id = `${host}-${daysAgo}`;
  return membersOf(count, { run: id, takenAt, host, vm: `vm-of-${host}` }).map((it) => ({
    ...it,
    place:
      it.place.kind === 'blob'
        ? { ...it.place, url: server.blobUrl(it.place.url.split('/').at(-1) ?? '') }
        : it.place,
  }));
}

function store(
  server: ListingServer,
  members: readonly (StoredMember | undefined)[],
  metadata: Readonly<Record<string, string>> = {},
): void {
  for (const member of members.filter((it) => it !== undefined)) {
    const own = Object.fromEntries(membershipValues(member.membership, METADATA_PREFIX));
    server.addMember(member, { ...own, ...metadata });
  }
  server.addManifest(manifestOf(members));
}

function inContainer(server: ListingServer, ...args: readonly string[]): string[] {
  const [command = '', ...others] = args;
  return ['snapshots', command, '--container', server.containerUrl(), ...others];
}

async function listed(server: ListingServer, ...args: readonly string[]) {
  const ended = await flashfreeze(inContainer(server, 'list', '--json', ...args));
  assert.is(ended.exitCode, 0, ended.stderr);
  return v.parse(snapshotListSchema, JSON.parse(ended.stdout));
}

async function pruned(server: ListingServer, ...args: readonly string[]) {
  const ended = await flashfreeze(inContainer(server, 'prune', '--json', ...args));
  const report = v.parse(pruneReportSchema, JSON.parse(ended.stdout));
  return { ...ended, report, removed: report.restorePoints.filter(({ stays }) => !stays) };
}

test('list shows restore points of every machine from the service alone, the newest first', async () => {
  await using server = await ListingServer.start();
  store(server, run(server, 2), { policy: 'daily' });
  store(server, run(server, 1, 'web1', 2));
  const [first, , third] = run(server, 0);
  store(server, [first, undefined, third]);
  server.addSnapshot('disk1.vhd', '2020-01-01T00:00:00.0000000Z', { owner: 'x' });

  const ended = await flashfreeze(inContainer(server, 'list'));
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.is(ended.stderr, '', 'no progress if it is no terminal');
  assert.match(ended.stdout, /db1 +incomplete +2 of 3 +db1-0/);
  assert.match(ended.stdout, /web1 +fileSystemConsistent +2 of 2 +web1-1/);
  assert.match(ended.stdout, '1 snapshots belong to no restore point');
  assert.not.match(ended.stdout, 'sig=');

  const all = await listed(server);
  assert.equal(
    all.restorePoints?.map(({ id }) => id),
    ['db1-0', 'web1-1', 'db1-2'],
  );
  assert.is(all.restorePoints?.[2]?.snapshots.length, 3);
  assert.is(all.restorePoints?.[2]?.sizeBytes, 3 * 2 ** 30);
  const hosts = await listed(server, '--host', 'WEB1');
  assert.is(hosts.restorePoints?.length, 1);
  const tagged = await listed(server, '--metadata', 'Policy=daily');
  assert.equal(
    tagged.restorePoints?.map(({ id }) => id),
    ['db1-2'],
  );
});

test('list --disks shows the single snapshots, those of other tools too', async () => {
  await using server = await ListingServer.start();
  store(server, run(server, 1));
  server.addSnapshot('disk1.vhd', '2020-01-01T00:00:00.0000000Z', { owner: 'x' });
  const { snapshots, restorePoints } = await listed(server, '--disks');
  assert.is(restorePoints, null);
  assert.is(snapshots?.length, 4);
  assert.is((await listed(server, '--disks', '--host', 'db1')).snapshots?.length, 3);
  const disk1 = await listed(server, '--disks', '--blob', 'disk1.vhd');
  assert.equal(
    disk1.snapshots?.map(({ restorePoint }) => restorePoint),
    [null, 'db1-1'],
  );
  const text = await flashfreeze(inContainer(server, 'list', '--disks'));
  assert.match(text.stdout, /disk1.vhd +2020-01-01\S+ +1024 +– +owner=x/);
});

test('a restore point with two manifests that contradict each other stays, and restore warns of it', async () => {
  await using server = await ListingServer.start();
  const members = run(server, 1);
  store(server, members);
  store(server, run(server, 2));
  const forged = manifestOf(members, { restorable: false });
  server.addBlob('flashfreeze/forged.json', JSON.stringify(forged));

  const { report, removed } = await pruned(server, '--keep-last', '1', '--incomplete', '--delete');
  assert.equal(removed, []);
  const judged = report.restorePoints.find(({ id }) => id === 'db1-1');
  assert.equal(judged?.reasons, ['its manifests contradict each other']);

  const args = [
    'restore',
    'db1-1',
    '--container',
    server.containerUrl(),
    '--accept',
    'inconsistent',
  ];
  const restored = await flashfreeze(args);
  assert.is(restored.exitCode, 0, restored.stderr);
  assert.match(restored.stderr, '! restore point db1-1: its manifests contradict each other');
});

test('after a night with a refusal, prune --keep-last 1 --delete keeps the last complete set', async () => {
  await using server = await ListingServer.start();
  store(server, run(server, 2));
  store(server, run(server, 1));
  const [first, , third] = run(server, 0);
  store(server, [first, undefined, third]);

  const before = server.stored;
  const dry = await flashfreeze(inContainer(server, 'prune', '--keep-last', '1'));
  assert.is(dry.exitCode, 0, dry.stderr);
  assert.match(dry.stdout, /db1-1 +last 1/);
  assert.match(dry.stdout, /db1-0 +incomplete/);
  assert.match(dry.stdout, 'Dry run: nothing was deleted');
  assert.equal(server.stored, before);

  const real = await pruned(server, '--keep-last', '1', '--delete');
  assert.is(real.exitCode, 0, real.stderr);
  assert.equal(
    real.removed.map(({ id }) => id),
    ['db1-2'],
  );
  assert.is((await listed(server)).restorePoints?.find(({ id }) => id === 'db1-1')?.present, 3);
  assert.not.ok(server.stored.includes('flashfreeze/db1-2.json'));

  const clean = await pruned(server, '--keep-last', '1', '--incomplete', '--delete');
  assert.equal(
    clean.removed.map(({ id }) => id),
    ['db1-0'],
  );
  assert.is(server.stored.length, 4);
});

test('prune deletes no snapshot that inherited the metadata of a set, and list counts it as one of others', async () => {
  await using server = await ListingServer.start();
  const old = run(server, 3);
  store(server, old);
  store(server, run(server, 1));
  for (const { place, membership } of old) {
    const name = place.kind === 'blob' ? (place.url.split('/').at(-1) ?? '') : '';
    const own = Object.fromEntries(membershipValues(membership, METADATA_PREFIX));
    const snapshot = new Date(START).toISOString();
    server.addSnapshot(name, snapshot, own);
  }
  assert.is((await listed(server)).others, 3);
  const { removed, report } = await pruned(server, '--keep-last', '1', '--delete');
  assert.equal(
    removed.map(({ id, errors }) => [id, errors]),
    [['db1-3', []]],
  );
  assert.is(report.others, 3);
  assert.is(server.stored.length, 3 + 1 + 3);
});

test('deletes the oldest first, each with its manifest last', async () => {
  await using server = await ListingServer.start();
  for (const daysAgo of [3, 2, 1, 0]) {
    store(server, run(server, daysAgo));
  }
  await pruned(server, '--keep-daily', '2', '--delete');
  const deleted = server.requests.filter((it) => it.startsWith('DELETE'));
  assert.is(deleted.length, 8);
  assert.is(deleted[3], 'DELETE flashfreeze/db1-3.json');
  assert.is(deleted[7], 'DELETE flashfreeze/db1-2.json');
});

test('an error in between leaves a set that is listed as incomplete, and exit code 1', async () => {
  await using server = await ListingServer.start();
  store(server, run(server, 2));
  store(server, run(server, 1));
  store(server, run(server, 0));
  server.refuses = (method, url) => method === 'DELETE' && url.pathname.endsWith('disk2.vhd');
  const { exitCode, removed } = await pruned(server, '--keep-last', '1', '--delete');
  assert.is(exitCode, 1);
  assert.equal(
    removed.map(({ id, deletedSnapshots }) => `${id} ${deletedSnapshots}`),
    ['db1-1 2', 'db1-2 2'],
  );
  assert.match(removed[0]?.errors.join() ?? '', 'disk2.vhd');
  const left = await listed(server);
  assert.equal(
    left.restorePoints?.map(({ worth, present }) => `${worth} ${present}`),
    ['complete 3', 'incomplete 1', 'incomplete 1'],
  );
  server.refuses = () => false;
  await pruned(server, '--incomplete', '--delete');
  assert.is((await listed(server)).restorePoints?.length, 1);
  assert.is(server.stored.length, 4);
});

test('a set whose first snapshot cannot be deleted stays whole, and after three of them no other is tried', async () => {
  await using server = await ListingServer.start();
  for (const daysAgo of [0, 1, 2, 3, 4, 5]) {
    store(server, run(server, daysAgo));
  }
  server.refuses = (method) => method === 'DELETE';
  const { exitCode, removed } = await pruned(server, '--keep-last', '1', '--delete');
  assert.is(exitCode, 1);
  assert.is(server.requests.filter((it) => it.startsWith('DELETE')).length, 3);
  assert.match(removed[0]?.errors.join() ?? '', 'not tried');
  assert.ok((await listed(server)).restorePoints?.every(({ worth }) => worth === 'complete'));
});

test('a SAS that may not delete is refused before anything is deleted; one that may not read, too', async () => {
  await using server = await ListingServer.start();
  store(server, run(server, 2));
  store(server, run(server, 1));
  const args = ['--keep-last', '1', '--delete'];
  const readOnly = await flashfreeze([
    ...['snapshots', 'prune', '--container', server.containerUrl('rl')],
    ...args,
  ]);
  assert.is(readOnly.exitCode, 2);
  assert.match(readOnly.stderr, 'FF_CONTAINER_REFUSED');
  const unread = await flashfreeze([
    ...['snapshots', 'prune', '--container', server.containerUrl('ld')],
    ...args,
  ]);
  assert.is(unread.exitCode, 0, unread.stderr);
  assert.match(unread.stderr, 'expected a SAS that may read');
  const accepting = await flashfreeze([
    ...['snapshots', 'prune', '--container', server.containerUrl('ld'), '--accept-unrecorded'],
    ...args,
  ]);
  assert.is(
    accepting.exitCode,
    2,
    'a manifest that was not read may say that its set is worth nothing',
  );
  assert.match(accepting.stderr, '--accept-unrecorded: expected every manifest to be read');
  assert.is(server.requests.filter((it) => it.startsWith('DELETE')).length, 0);
});

test('names that would control the terminal are shown as text', async () => {
  await using server = await ListingServer.start();
  const members = run(server, 1);
  for (const member of members) {
    const own = Object.fromEntries(membershipValues(member.membership, METADATA_PREFIX));
    server.addMember(member, own);
  }
  server.addManifest(manifestOf(members, { host: 'db1\u001b[2J\r' }));
  const { stdout } = await flashfreeze(inContainer(server, 'list'));
  assert.match(stdout, 'db1\\x1b[2J\\x0d');
  assert.not.match(stdout, '\u001b');
});

test('what flashfreeze did not take is never deleted', async () => {
  await using server = await ListingServer.start();
  store(server, run(server, 0));
  for (const [day, metadata] of [{}, { policy: 'daily' }, { flashfreeze_run: 'x' }].entries()) {
    server.addSnapshot('disk1.vhd', `2020-01-0${day + 1}T00:00:00.0000000Z`, metadata);
  }
  const args = ['--older-than', '1h', '--incomplete', '--accept-unrecorded', '--allow-none-left'];
  const { removed, report } = await pruned(server, ...args, '--delete');
  assert.is(removed.length, 1);
  assert.is(report.others, 3);
  assert.is(server.stored.length, 3);
});

test('a good run whose snapshots say nothing of themselves is kept with its manifest, and pruned as a whole', async () => {
  await using server = await ListingServer.start();
  for (const daysAgo of [2, 1, 0]) {
    const members = run(server, daysAgo);
    for (const member of members) {
      server.addMember(member, {});
    }
    server.addManifest(manifestOf(members));
  }
  const before = server.stored;
  await pruned(server, '--incomplete', '--delete');
  assert.equal(server.stored, before);
  const all = await listed(server);
  assert.equal(
    all.restorePoints?.map(({ worth, present, count }) => `${worth} ${present} of ${count}`),
    ['complete 3 of 3', 'complete 3 of 3', 'complete 3 of 3'],
  );
  assert.is(all.others, 0);
  const { removed } = await pruned(server, '--keep-last', '2', '--delete');
  assert.equal(
    removed.map(({ id }) => id),
    ['db1-2'],
  );
  assert.is(server.stored.length, 8);
  assert.not.ok(server.stored.includes('flashfreeze/db1-2.json'));
});

test('prune and restore find what lies in a container whose URL the library writes in another way', async () => {
  await using server = await ListingServer.start();
  const root = server.containerUrl().replace('/vhds?', '/$root/?');
  for (const daysAgo of [1, 0]) {
    const members = run(server, daysAgo);
    for (const { place, membership } of members) {
      const snapshot = place.kind === 'blob' ? place.snapshot : '';
      const own = Object.fromEntries(membershipValues(membership, METADATA_PREFIX));
      server.addSnapshot(`os:disk ${membership.position}.vhd`, snapshot, own);
    }
    server.addManifest(manifestOf(members));
  }
  const planned = await flashfreeze(['restore', 'db1-0', '--container', root]);
  assert.is(planned.exitCode, 0, planned.stderr);
  const args = ['snapshots', 'prune', '--container', root, '--keep-last', '1', '--delete'];
  const ended = await flashfreeze(args);
  assert.is(ended.exitCode, 0, ended.stdout);
  assert.is(server.stored.length, 4);
});

/** Verifies a run that took snapshots of these blobs, all of which exist. */
async function verified(
  server: ListingServer,
  names: readonly string[],
  restorable: boolean,
  ...args: readonly string[]
) {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-verify-'));
  const snapshot = '2026-11-29T00:00:00.0000000Z';
  const whole = runOf(busyRecord(1));
  const [disk] = whole.summary?.disks ?? [];
  assert.ok(whole.summary !== null && disk !== undefined);
  for (const name of names) {
    server.addSnapshot(name.replaceAll('&', '&amp;'), snapshot, {});
  }
  const disks = names.map((name) => ({ ...disk, blob: server.blobUrl(name), snapshot }));
  const path = join(folder, 'run.json');
  const summary = { ...whole.summary, restorable, disks };
  await writeFile(path, JSON.stringify({ ...whole, summary }));
  const ended = await flashfreeze(inContainer(server, 'verify', path, ...args));
  await rm(folder, { recursive: true });
  return ended;
}

test('verify finds a snapshot whose blob was given in another way than the library writes', async () => {
  await using server = await ListingServer.start();
  const ended = await verified(server, ['a:b+c@d,e;f=g&h.vhd', 'plain.vhd'], true);
  assert.is(ended.exitCode, 0, ended.stdout);
  assert.match(ended.stdout, '2 of 2 snapshots');
  assert.not.match(ended.stdout, 'cannot be restored');
});

test('verify fails for a run that recorded that its set cannot be restored, although every snapshot exists', async () => {
  await using server = await ListingServer.start();
  const ended = await verified(server, ['a.vhd', 'b.vhd'], false);
  assert.is(ended.exitCode, 1, ended.stdout);
  assert.match(ended.stdout, '2 of 2 snapshots');
  assert.match(ended.stdout, 'the run recorded that this set cannot be restored');
  const json = await verified(server, ['a.vhd', 'b.vhd'], false, '--json');
  assert.is(json.exitCode, 1);
  const report = v.parse(verifyReportSchema, JSON.parse(json.stdout));
  assert.is(report.restorable, false);
  assert.ok(report.verified.every(({ problem }) => problem === null));
});

test('prune without a rule is refused', async () => {
  await using server = await ListingServer.start();
  const ended = await flashfreeze(inContainer(server, 'prune'));
  assert.is(ended.exitCode, 2);
  assert.match(ended.stderr, 'the section [Retention]');
});

test('rules that are none are refused', async () => {
  await using server = await ListingServer.start();
  for (const args of [
    ['--keep-last', ''],
    ['--keep-last', '0'],
    ['--keep-daily', '1.5'],
    ['--older-than', '30'],
    ['--keep-within', '-1d'],
    ['--keep-last', '1', '--host', ''],
    ['--keep-last', '1', '--tag', 'a=b'],
    ['--keep-last', '1', '--managed'],
  ]) {
    const ended = await flashfreeze(inContainer(server, 'prune', ...args));
    assert.is(ended.exitCode, 2, args.join(' '));
    assert.match(ended.stderr, 'expected');
  }
  for (const args of [['--keep', '1'], ['--all'], ['--task', 'x'], ['--blob', 'b']]) {
    const ended = await flashfreeze(inContainer(server, 'prune', '--keep-last', '1', ...args));
    assert.is(ended.exitCode, 2, args.join(' '));
    assert.match(ended.stderr, 'unknown option');
  }
  assert.equal(server.requests, []);
});

test.run();
