import * as assert from 'uvu/assert';
import { restorePointsOf } from '../../src/restore-points/group.ts';
import { membersOf as membersIn } from '../../src/restore-points/members-of-blobs.ts';
import { METADATA_PREFIX, membershipValues } from '../../src/restore-points/membership.ts';
import { type PruneWishes, planPrune } from '../../src/restore-points/prune-plan.ts';
import type { Manifest, StoredMember } from '../../src/restore-points/restore-point.ts';
import type { StoredSnapshot } from '../../src/snapshot/inventory/stored-snapshot.ts';
import { suite } from '../suite.ts';
import { type MemberParts, MIDNIGHT, manifestOf, membersOf } from './fixtures/members.ts';

const test = suite('what manifests and snapshots say of each other that cannot be true');

const DAY = 86_400_000;
const NOW = new Date(MIDNIGHT.getTime() + DAY / 2);
const DB1 = { host: 'db1', vm: 'vm-of-db1' };
const WEB7 = { host: 'web7', vm: 'vm-of-web7' };
const OTHER_DISK = 'https://acct.blob.core.windows.net/vhds/web7.vhd';

/** What a service lists of a member; `isSilent`: its metadata say nothing. */
function stored(member: StoredMember, isSilent = false): StoredSnapshot {
  const { place, sizeBytes, membership } = member;
  assert.ok(place.kind === 'blob');
  const own = Object.fromEntries(membershipValues(membership, METADATA_PREFIX));
  return {
    blob: place.url.split('/').at(-1) ?? '',
    ...{ url: place.url, snapshot: place.snapshot, sizeBytes },
    metadata: isSilent ? {} : own,
  };
}

function daysAgo(days: number, parts: Omit<MemberParts, 'takenAt'> = {}): StoredMember[] {
  const takenAt = new Date(MIDNIGHT.getTime() - days * DAY);
  return membersOf(3, { run: `db1-${days}`, takenAt, ...parts });
}

/** Three restore points of db1, of the last three nights. */
const REAL = [1, 2, 3].map((days) => daysAgo(days));
const REAL_SNAPSHOTS = REAL.flat().map((it) => stored(it));
const REAL_MANIFESTS = REAL.map((it) => manifestOf(it));

/** The snapshot of another machine's only disk, taken today. */
function foreignDisk(run: string, parts: Omit<MemberParts, 'run'> = {}): StoredMember {
  const [disk] = membersOf(1, { ...WEB7, run, takenAt: MIDNIGHT, ...parts });
  assert.ok(disk?.place.kind === 'blob');
  return { ...disk, place: { ...disk.place, url: OTHER_DISK } };
}

const SEVERE: PruneWishes = {
  ...{ rule: { last: 1 }, incomplete: true, acceptUnrecorded: true, allowNoneLeft: false },
  ...{ matches: () => true, isListed: () => true },
};

function found(snapshots: readonly StoredSnapshot[], manifests: readonly Manifest[]) {
  const points = restorePointsOf(membersIn(snapshots, manifests), manifests);
  const verdicts = planPrune(points, SEVERE, NOW);
  return {
    points,
    removed: verdicts.filter(({ isRemoved }) => isRemoved).map(({ point }) => point.id),
    reasonsOf: (id: string) => verdicts.find(({ point }) => point.id === id)?.reasons ?? [],
    doubtOf: (id: string) => points.find((it) => it.id === id)?.doubt,
  };
}

test('without contradictions, the rule decides', () => {
  const { removed, points } = found(REAL_SNAPSHOTS, REAL_MANIFESTS);
  assert.equal(removed, ['db1-2', 'db1-3']);
  assert.ok(points.every(({ doubt }) => doubt === undefined));
});

test('a second manifest of a restore point that says something else neither removes it nor lets it count', () => {
  const [newest] = REAL;
  assert.ok(newest !== undefined);
  const others = [
    { restorable: false },
    { consistency: 'crashConsistent' as const },
    { barrier: '2020-01-01T00:00:00.000Z' },
    { vm: null },
    { disks: manifestOf(newest.slice(0, 2)).disks },
    { disks: manifestOf([...newest, foreignDisk('x')]).disks },
  ];
  for (const parts of others) {
    const forged = manifestOf(newest, parts);
    for (const manifests of [
      [forged, ...REAL_MANIFESTS],
      [...REAL_MANIFESTS, forged],
    ]) {
      const snapshots = [...REAL_SNAPSHOTS, stored(foreignDisk('x'), true)];
      const { removed, reasonsOf } = found(snapshots, manifests);
      assert.equal(reasonsOf('db1-1'), ['its manifests contradict each other'], `${forged}`);
      assert.equal(removed, ['db1-3'], 'db1-2 is the newest that counts');
    }
  }
});

test('a manifest of db1 with the snapshots of web7 does not count for db1', () => {
  const disk = foreignDisk('web7-0');
  const forged = [0, 1, 2].map((nth) => manifestOf([disk], { ...DB1, id: `forged-${nth}` }));
  const { removed, reasonsOf, doubtOf } = found(
    [...REAL_SNAPSHOTS, stored(disk)],
    [...REAL_MANIFESTS, ...forged],
  );
  assert.equal(removed, ['db1-2', 'db1-3'], 'as without them');
  assert.is(doubtOf('forged-0'), 'namedByAnother', 'they all name one snapshot');
  const [only] = forged;
  assert.ok(only !== undefined);
  const one = found([...REAL_SNAPSHOTS, stored(disk)], [...REAL_MANIFESTS, only]);
  assert.equal(one.removed, ['db1-2', 'db1-3']);
  assert.match(one.reasonsOf('forged-0').join(), 'says itself that it is of another');
  assert.ok(reasonsOf('forged-0').length > 0);
});

test('a manifest with an existing identifier of db1 and the snapshots of web7 removes nothing', () => {
  const disk = foreignDisk('web7-0');
  const forged = manifestOf([disk], { ...DB1, id: 'db1-1', restorable: false });
  const snapshots = [...REAL_SNAPSHOTS, stored(disk)];
  assert.equal(found(snapshots, [...REAL_MANIFESTS, forged]).removed, ['db1-3']);
  const without = REAL_MANIFESTS.slice(1);
  assert.equal(found(snapshots, [...without, forged]).removed, ['db1-3'], 'in its place');
});

test('a snapshot that two manifests name belongs to the one that it names itself, and neither counts', () => {
  for (const machine of [DB1, WEB7]) {
    const forged = manifestOf(REAL[0] ?? [], { ...machine, id: 'forged' });
    for (const manifests of [
      [forged, ...REAL_MANIFESTS],
      [...REAL_MANIFESTS, forged],
    ]) {
      const { points, removed, reasonsOf, doubtOf } = found(REAL_SNAPSHOTS, manifests);
      assert.is(points.find(({ id }) => id === 'db1-1')?.worth, 'complete');
      assert.equal([doubtOf('db1-1'), doubtOf('forged')], ['namedByAnother', 'namedByAnother']);
      assert.match(reasonsOf('db1-1').join(), 'the manifest of another restore point names');
      assert.equal(removed, ['db1-3']);
    }
  }
});

test('a manifest that takes a snapshot from a restore point without a manifest does not make it incomplete', () => {
  const disk = REAL[0]?.[0];
  assert.ok(disk !== undefined);
  const forged = manifestOf([disk], { ...DB1, id: 'forged' });
  const { removed, doubtOf } = found(REAL_SNAPSHOTS, [...REAL_MANIFESTS.slice(1), forged]);
  assert.equal(removed, ['db1-3']);
  assert.equal([doubtOf('db1-1'), doubtOf('forged')], ['namedByAnother', 'namesAnothers']);
});

test('without a manifest, a snapshot that claims another number does not make a restore point incomplete', () => {
  const more = [1, 2, 3, 4].map((nth) => ({
    ...foreignDisk('db1-1', DB1),
    takenAt: new Date(MIDNIGHT.getTime() - DAY + nth),
  }));
  const forged = more.map((it) =>
    stored({
      ...it,
      place: { kind: 'blob', url: OTHER_DISK, snapshot: it.takenAt.toISOString() },
      membership: { ...it.membership, count: 9 },
    }),
  );
  const { points, removed, doubtOf } = found(
    [...REAL_SNAPSHOTS, ...forged],
    REAL_MANIFESTS.slice(1),
  );
  assert.is(points.find(({ id }) => id === 'db1-1')?.worth, 'incomplete');
  assert.is(doubtOf('db1-1'), 'countsDiffer');
  assert.equal(removed, ['db1-3']);
});

test('what is written twice, or said by every try, is no contradiction', () => {
  const [newest, ...older] = REAL_MANIFESTS;
  assert.ok(newest !== undefined);
  const again = {
    ...newest,
    problems: ['in other words'],
    disks: newest.disks
      .toReversed()
      .map((it) => ({ ...it, source: it.source.replace('disk', '%64isk') })),
  };
  const twice = found(REAL_SNAPSHOTS, [newest, again, ...older]);
  assert.is(twice.doubtOf('db1-1'), undefined);
  assert.equal(twice.removed, ['db1-2', 'db1-3']);
  const failed = { restorable: false };
  const tries = [
    manifestOf(REAL[0] ?? [], failed),
    manifestOf([undefined], { ...DB1, id: 'db1-1' }),
  ];
  const useless = found(REAL_SNAPSHOTS, [...tries, ...older]);
  assert.is(useless.doubtOf('db1-1'), undefined);
  assert.equal(useless.removed, ['db1-1', 'db1-3']);
});

test('a snapshot without metadata belongs to the manifest that names it', () => {
  const silent = REAL.flat().map((it) => stored(it, true));
  const { points, removed } = found(silent, REAL_MANIFESTS);
  assert.ok(points.every(({ doubt, worth }) => doubt === undefined && worth === 'complete'));
  assert.equal(removed, ['db1-2', 'db1-3']);
});

test('metadata that a snapshot inherited from its blob explain another run, but not another machine', () => {
  const old = daysAgo(9);
  const copied = REAL.flat().map((it) => ({ ...stored(it, true), metadata: metadataOf(old) }));
  const manifests = [...REAL_MANIFESTS, manifestOf(old)];
  const { removed, points } = found([...copied, ...old.map((it) => stored(it))], manifests);
  assert.ok(points.every(({ doubt }) => doubt === undefined));
  assert.equal(removed.toSorted(), ['db1-2', 'db1-3', 'db1-9']);

  const web7 = daysAgo(9, { ...WEB7, run: 'web7-9' });
  const foreign = REAL.flat().map((it) => ({ ...stored(it, true), metadata: metadataOf(web7) }));
  const others = found([...foreign, ...web7.map((it) => stored(it))], REAL_MANIFESTS);
  assert.equal(others.doubtOf('db1-1'), 'namesAnothers');
  assert.equal(others.removed, []);
});

function metadataOf([first]: readonly StoredMember[]): Readonly<Record<string, string>> {
  return first === undefined ? {} : stored(first).metadata;
}

test.run();
