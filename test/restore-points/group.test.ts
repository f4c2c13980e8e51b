import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { restorePointsOf } from '../../src/restore-points/group.ts';
import type { Manifest, StoredMember, Worth } from '../../src/restore-points/restore-point.ts';
import { suite } from '../suite.ts';
import { type MemberParts, MIDNIGHT, manifestOf, member, membersOf } from './fixtures/members.ts';

const test = suite('which snapshots make a restore point');

const HOUR = 3_600_000;
const three = membersOf(3);
const [first, , third] = three;
const DB1 = { host: 'db1', vm: 'vm-of-db1' };
const RESTORABLE = { 'flashfreeze-restorable': 'true' };

const WORTHS: readonly (readonly [
  why: string,
  members: readonly (StoredMember | undefined)[],
  manifests: readonly Manifest[],
  worth: Worth,
])[] = [
  ['all three, and a manifest that says restorable', three, [manifestOf(three)], 'complete'],
  ['all three, nothing recorded', three, [], 'notRecorded'],
  ['a snapshot is missing', [first, third], [manifestOf(three)], 'incomplete'],
  ['a snapshot is missing, nothing recorded', [first, third], [], 'incomplete'],
  [
    'taken without a freeze',
    three,
    [manifestOf(three, { consistency: 'crashConsistent' })],
    'inconsistent',
  ],
  [
    'one disk without a freeze',
    membersOf(1),
    [manifestOf(membersOf(1), { consistency: 'crashConsistent' })],
    'complete',
  ],
  ['recorded as not restorable', three, [manifestOf(three, { restorable: false })], 'inconsistent'],
  [
    'a request was refused, but its snapshot exists',
    three,
    [manifestOf([first, undefined, third])],
    'incomplete',
  ],
  [
    'copies of the manifest contradict each other',
    three,
    [manifestOf(three), manifestOf(three, { restorable: false })],
    'inconsistent',
  ],
  ['a manifest without snapshots', [], [manifestOf(three)], 'incomplete'],
  ['a manifest without disks', [], [manifestOf([], { restorable: true })], 'incomplete'],
  ['tags say restorable', membersOf(3, { kind: 'managed', values: RESTORABLE }), [], 'complete'],
  [
    'one tag says otherwise',
    [
      ...membersOf(3, { kind: 'managed', values: RESTORABLE }).slice(0, 2),
      member({ kind: 'managed', position: 3, values: { 'Flashfreeze-Restorable': 'False' } }),
    ],
    [],
    'inconsistent',
  ],
  [
    'a tag with another word',
    membersOf(3, { values: { 'flashfreeze-restorable': '' } }),
    [],
    'notRecorded',
  ],
  [
    'the manifest knows one more disk than the snapshots do',
    three,
    [manifestOf([...three, undefined], { restorable: true })],
    'incomplete',
  ],
];

test('worth', () => {
  for (const [why, members, manifests, worth] of WORTHS) {
    const present = members.filter((it) => it !== undefined);
    const points = restorePointsOf(present, manifests);
    assert.is(points.length, 1, why);
    assert.is(points[0]?.worth, worth, why);
  }
});

test('a file of this machine says what nothing else does, and nothing more', () => {
  const record = { id: 'run-1', restorable: true, barrier: null, machine: DB1 };
  assert.is(restorePointsOf(three, [], [record])[0]?.worth, 'complete');
  const denied = [manifestOf(three, { restorable: false })];
  assert.is(restorePointsOf(three, denied, [record])[0]?.worth, 'inconsistent');
  assert.equal(restorePointsOf([], [], [record]), []);
});

test('of two snapshots of a position, the manifest says which one counts', () => {
  const again = member({ position: 2, try: 1 });
  const [point] = restorePointsOf([again, ...three], [manifestOf(three)]);
  assert.equal(point?.members, three);
  assert.equal(point?.surplus, [again]);
  assert.is(point?.worth, 'complete');
});

test('of two snapshots of a position, the one with a tag counts, else the newest, which proves nothing', () => {
  const again = member({ position: 2, try: 1 });
  const record = { id: 'run-1', restorable: true, barrier: null, machine: DB1 };
  const [point] = restorePointsOf([again, ...three], [], [record]);
  assert.equal(point?.members[1], again);
  assert.is(point?.worth, 'notRecorded');
  const tagged = membersOf(3, { kind: 'managed', values: RESTORABLE });
  const untagged = member({ position: 2, kind: 'managed', try: 1 });
  const [ofTags] = restorePointsOf([untagged, ...tagged], []);
  assert.equal(ofTags?.members, tagged);
  assert.is(ofTags?.worth, 'complete');
});

test('a useless snapshot of an attempt before is tagged as such, and does not count', () => {
  const tagged = membersOf(3, { kind: 'managed', values: RESTORABLE });
  const useless = { 'flashfreeze-restorable': 'false' };
  for (const nth of [1, -1]) {
    const orphan = member({ position: 2, kind: 'managed', try: nth, values: useless });
    const [point] = restorePointsOf([orphan, ...tagged], []);
    assert.is(point?.worth, 'complete');
    assert.equal(point?.surplus, [orphan]);
  }
  const denied = membersOf(3, { kind: 'managed', values: useless });
  const again = member({ position: 2, kind: 'managed', try: 1, values: useless });
  assert.is(restorePointsOf([again, ...denied], [])[0]?.worth, 'inconsistent');
});

test('members of another count, or of a position that does not exist, are none', () => {
  const others = [member({ position: 2, count: 4, try: 1 }), member({ position: 7 })];
  const [point] = restorePointsOf([...others, ...three], []);
  assert.is(point?.count, 3);
  assert.equal(point?.members, three);
  assert.equal(point?.surplus, others);
  const [tie] = restorePointsOf([member({ count: 2 }), member({ position: 2, count: 5 })], []);
  assert.is(tie?.count, 5, 'of two numbers the one that promises less');
  assert.is(tie?.worth, 'incomplete');
});

test('the newest is the first, by the instant of the barrier', () => {
  const at = (run: string, ms: number) =>
    membersOf(1, { run, takenAt: new Date(MIDNIGHT.getTime() + ms) });
  const points = restorePointsOf([...at('b', 0), ...at('c', 2 * HOUR), ...at('a', HOUR)], []);
  assert.equal(
    points.map(({ id }) => id),
    ['c', 'a', 'b'],
  );
  const barrier = new Date(MIDNIGHT.getTime() - 500);
  const [point] = restorePointsOf(three, [manifestOf(three, { barrier: barrier.toISOString() })]);
  assert.equal(point?.at, barrier);
});

test('the clock of the service counts if that of the machine is far off, or the barrier is no time', () => {
  for (const barrier of ['2031-01-01T00:00:00Z', '1970-01-01T00:00:00Z', 'x', null]) {
    const [point] = restorePointsOf(three, [manifestOf(three, { barrier })]);
    assert.equal(point?.at, first?.takenAt, String(barrier));
  }
  const [alone] = restorePointsOf([], [manifestOf(three, { barrier: null })]);
  assert.equal(alone?.at, first?.takenAt, 'when the run began');
});

test('two machines with one identifier of a run stay apart', () => {
  const other = membersOf(3, { host: 'db1', vm: 'another' });
  const points = restorePointsOf([...three, ...other], [manifestOf(three)]);
  assert.is(points.length, 2);
  assert.is(points.find(({ vm }) => vm === 'another')?.worth, 'notRecorded');
  assert.is(points.find(({ vm }) => vm === 'vm-of-db1')?.worth, 'complete');
});

test('a snapshot and a manifest of one run on two machines stay apart, however few there are', () => {
  for (const [vmA, vmB] of [
    ['vm-a', 'vm-b'],
    ['vm-a', undefined],
    [undefined, undefined],
  ]) {
    const a = { host: 'a', vm: vmA ?? null };
    const b = { host: 'b', vm: vmB ?? null };
    const ofA = membersOf(1).map((it) => ({
      ...it,
      membership: { ...it.membership, host: 'a', vm: vmA },
    }));
    const points = restorePointsOf(ofA, [manifestOf(membersOf(2), b)]);
    const of = (name: string) => points.find(({ host }) => host === name);
    assert.is(points.length, 2, `${vmA} ${vmB}`);
    assert.equal(of('a')?.members, ofA);
    assert.is(of('a')?.worth, 'notRecorded');
    assert.is(of('b')?.members.length, 0);
    assert.equal(of('b')?.surplus, []);
    const both = restorePointsOf(ofA, [manifestOf(ofA, a), manifestOf(membersOf(2), b)]);
    assert.is(both.find(({ host }) => host === 'a')?.worth, 'complete');
  }
});

test('what does not know its VM is of the only VM with its name', () => {
  const manifest = manifestOf(three, { vm: null });
  assert.equal(
    restorePointsOf(three, [manifest]).map(({ worth, vm }) => `${worth} ${vm}`),
    ['complete vm-of-db1'],
  );
  const other = membersOf(3, { vm: 'another' });
  assert.equal(
    restorePointsOf([...three, ...other], [manifest])
      .map(({ worth, vm }) => `${worth} ${vm}`)
      .sort(),
    ['incomplete undefined', 'notRecorded another', 'notRecorded vm-of-db1'],
  );
});

test('a file of a run says nothing of another machine with its identifier', () => {
  const record = { id: 'run-1', restorable: true, barrier: null };
  const worth = (machine: { readonly host: string; readonly vm: string | undefined }) =>
    restorePointsOf(three, [], [{ ...record, machine }])[0]?.worth;
  assert.is(worth(DB1), 'complete');
  assert.is(worth({ host: 'db1', vm: 'VM-OF-DB1' }), 'complete');
  assert.is(worth({ host: 'DB1', vm: undefined }), 'complete', 'its VM is not known');
  assert.is(worth({ host: 'db1', vm: 'another' }), 'notRecorded');
  assert.is(worth({ host: 'db2', vm: undefined }), 'notRecorded');
});

/** Snapshots of the same blobs so much later that have the metadata of run-1. */
const inherited = (ms = 24 * HOUR, parts: Partial<MemberParts> = {}) =>
  membersOf(3, { ...parts, takenAt: new Date(MIDNIGHT.getTime() + ms) });

test('snapshots that inherited the metadata of a set belong to none', () => {
  for (const manifests of [[manifestOf(three)], []]) {
    for (const ms of [1.1 * HOUR, 24 * HOUR, 9_999 * HOUR]) {
      const points = restorePointsOf([...inherited(ms), ...three], manifests);
      assert.is(points.length, 1);
      assert.is(points[0]?.worth, manifests.length > 0 ? 'complete' : 'notRecorded');
      assert.equal(points[0]?.members, three);
      assert.equal(points[0]?.surplus, []);
      assert.equal(points[0]?.at, first?.takenAt);
    }
  }
});

test('snapshots that inherited the metadata of a set do not make it whole', () => {
  const rest = [first, third].filter((it) => it !== undefined);
  for (const manifests of [[manifestOf(three)], [manifestOf([first, undefined, third])], []]) {
    const [point] = restorePointsOf([...inherited(), ...rest], manifests);
    assert.is(point?.worth, 'incomplete');
    assert.equal(point?.members, rest);
    assert.equal(point?.surplus, []);
  }
  const [gone] = restorePointsOf(inherited(), [manifestOf(three)]);
  assert.equal([gone?.members, gone?.surplus], [[], []], 'its own were deleted');
});

test('a file of a run says nothing of snapshots that were taken at another time', () => {
  const record = { id: 'run-1', restorable: true, machine: DB1 };
  const worth = (members: readonly StoredMember[], barrier: Date) =>
    restorePointsOf(members, [], [{ ...record, barrier: barrier.toISOString() }])[0]?.worth;
  assert.is(worth(three, MIDNIGHT), 'complete');
  assert.is(worth(inherited(), MIDNIGHT), 'notRecorded');
});

test('if a manifest names no snapshot, its own times say which ones are of its run', () => {
  const none = manifestOf([undefined, undefined, undefined]);
  const [point] = restorePointsOf([...inherited(), ...three], [none]);
  assert.equal(point?.members, []);
  assert.equal(point?.surplus, three);
});

test('a snapshot of a managed disk has the tags of its own request, whenever it was taken', () => {
  const again = inherited(2 * HOUR, { kind: 'managed' });
  const [point] = restorePointsOf([...again, ...membersOf(3, { kind: 'managed' })], []);
  assert.is((point?.members.length ?? 0) + (point?.surplus.length ?? 0), 6);
});

const anyMember = fc
  .record({
    run: fc.constantFrom('r1', 'r2', 'r3'),
    position: fc.integer({ min: 1, max: 4 }),
    count: fc.integer({ min: 1, max: 4 }),
    vm: fc.constantFrom('v1', 'v2'),
    hours: fc.integer({ min: 0, max: 72 }),
    try: fc.integer({ min: 0, max: 9 }),
    kind: fc.constantFrom('blob' as const, 'managed' as const),
    values: fc.constantFrom({}, RESTORABLE, { flashfreeze_restorable: 'false' }),
  })
  .map(({ hours, ...parts }) =>
    member({ ...parts, takenAt: new Date(MIDNIGHT.getTime() + hours * HOUR) }),
  );

/** Whether a snapshot is more than an hour younger than another one of its run, or a manifest says when the run was. */
const isLateOrNamed = (
  { takenAt, membership }: StoredMember,
  members: readonly StoredMember[],
  named: readonly StoredMember[],
): boolean =>
  named.some((it) => it.membership.restorePoint === membership.restorePoint) ||
  members.some(
    (it) =>
      it.membership.restorePoint === membership.restorePoint &&
      it.membership.vm === membership.vm &&
      takenAt.getTime() - it.takenAt.getTime() > HOUR,
  );

test('every snapshot is in one restore point at most, and the oldest of a run in one, whatever the services list', () => {
  fc.assert(
    fc.property(fc.array(anyMember, { maxLength: 30 }), fc.array(anyMember), (members, named) => {
      const manifests = named.map((it) => manifestOf([it, undefined], { restorable: true }));
      const points = restorePointsOf(members, manifests);
      const found = points.flatMap((point) => [...point.members, ...point.surplus]);
      assert.is(found.length, new Set(found).size);
      const left = new Set(members).difference(new Set(found));
      for (const it of left) {
        assert.is(it.place.kind, 'blob');
        assert.ok(isLateOrNamed(it, members, named), 'it may be of its run');
      }
      for (const { members: its, count, worth, id } of points) {
        const positions = its.map(({ membership }) => membership.position);
        assert.equal(
          positions,
          [...new Set(positions)].sort((a, b) => a - b),
        );
        assert.ok(its.every(({ membership }) => membership.restorePoint === id));
        assert.ok(
          worth === 'incomplete' ? its.length < count || count === 0 : its.length === count,
        );
      }
      const times = points.map(({ at }) => at.getTime());
      assert.equal(
        times,
        times.toSorted((a, b) => b - a),
      );
    }),
  );
});

test('the order in which services list does not matter', () => {
  fc.assert(
    fc.property(fc.uniqueArray(anyMember, { maxLength: 12 }), fc.nat(), (members, seed) => {
      const shuffled = members
        .map((it, index) => [(index * 7919 + seed) % 13, it] as const)
        .sort(([a], [b]) => a - b)
        .map(([, it]) => it);
      const shape = (list: readonly StoredMember[]) =>
        restorePointsOf(list, [])
          .map(({ id, vm, worth, members: its }) => `${id} ${vm} ${worth} ${its.length}`)
          .sort();
      assert.equal(shape(shuffled), shape(members));
    }),
  );
});

test.run();
