import * as assert from 'uvu/assert';
import type { Head } from '../../src/restore/head-types.ts';
import { verifyPoint } from '../../src/restore/verify-point.ts';
import { withVolumes } from '../../src/restore/verify-volumes.ts';
import type { Manifest, StoredMember } from '../../src/restore-points/restore-point.ts';
import { suite } from '../suite.ts';
import { changedDisk, type RecordedDisk, recordedDisk } from './fixtures/recorded-disks.ts';

const test = suite('LVM and md in a restore point');

interface Found {
  /** Those of each disk. */
  readonly heads: readonly (readonly Head[])[];
  readonly problems: readonly (readonly string[])[];
}

async function verify(
  disks: readonly (RecordedDisk | string)[],
  fileSystems: readonly Partial<Manifest['fileSystems'][number]>[] = [],
): Promise<Found> {
  const all = disks.map((it) => (typeof it === 'string' ? recordedDisk(it) : it));
  const members = all.map(({ sizeBytes }, index) => memberOf(index + 1, all.length, sizeBytes));
  const open = async ({ membership }: StoredMember) => {
    const disk = all[membership.position - 1];
    return disk && { read: disk.read, close: () => Promise.resolve(undefined) };
  };
  const manifest = { disks: [], fileSystems } as unknown as Manifest;
  const single = await verifyPoint({ members, manifest }, open);
  const verified = await withVolumes(single, manifest, open);
  return {
    heads: verified.map(({ heads }) => heads),
    problems: verified.map(({ problems }) => problems),
  };
}

function memberOf(position: number, count: number, sizeBytes: number): StoredMember {
  return {
    place: { kind: 'blob', url: `https://a/c/${position}`, snapshot: 't' },
    takenAt: new Date(0),
    sizeBytes,
    membership: {
      ...{ restorePoint: 'r', position, count, host: 'db1', vm: undefined },
      ...{ device: undefined, lun: undefined, version: undefined },
    },
    values: {},
  };
}

const show = ({ heads }: Found): string[][] =>
  heads.map((each) => each.map(({ where, kind, state }) => `${where}: ${kind} ${state}`));

const SPANNING = 'c1ab7d53-2ebe-4ca4-a82c-9e03f9af72d9';
const LVM = ['frozen-a', 'frozen-b'];

test('frozen logical volumes on two physical volumes: each file system is found and clean', async () => {
  const found = await verify(LVM);
  assert.equal(found.problems, [[], []]);
  assert.equal(show(found), [
    [
      'whole disk: lvm clean',
      'logical volume vgdata/striped: blank notLookedInto',
      'logical volume vgdata/spanning: ext clean',
    ],
    ['partition 1: lvm clean', 'logical volume vgdata/single: ext clean'],
  ]);
  const spanning = found.heads[0]?.find(({ where }) => where.endsWith('spanning'));
  assert.is(spanning?.uuid, SPANNING);
  assert.match(spanning?.detail ?? '', 'its journal is empty; it lies on disks 1, 2');
});

test('without the freeze, the logical volumes have to be recovered, on each disk that they lie on', async () => {
  const { problems } = await verify(['live-a', 'live-b']);
  assert.is(problems[0]?.length, 1);
  assert.match(problems[0]?.[0] ?? '', 'vgdata/spanning (ext): a mount has to recover it');
  assert.is(problems[1]?.length, 2);
  assert.match(problems[1]?.join('\n') ?? '', 'vgdata/single (ext): a mount has to recover it');
});

test('a volume group whose physical volume is in no snapshot', async () => {
  const { problems, heads } = await verify(['frozen-a', 'frozen-c', 'frozen-d']);
  assert.equal(problems.slice(1), [[], []]);
  assert.is(problems[0]?.length, 1);
  assert.match(
    problems[0]?.[0] ?? '',
    /^volume group vgdata: 1 of its 2 physical volumes on no disk that was read: xqSRzE\w+ \(was \/dev\/ubdb1\)$/,
  );
  const unread = heads[0]?.filter(({ state }) => state === 'notLookedInto') ?? [];
  assert.is(unread.length, 3, 'no volume that needs the missing one was judged');
});

test('nothing is said of a missing physical volume that may lie in what was not looked into', async () => {
  const { problems } = await verify(['frozen-a', 'five-e']);
  assert.equal(problems[0], []);
});

test('metadata of different numbers: a disk of an earlier instant', async () => {
  const { problems } = await verify(['frozen-a', 'later-b']);
  assert.match(
    problems[0]?.[0] ?? '',
    'whole disk: metadata of volume group vgdata with number 4, that on disk 2 has 5: the disks do not show one instant',
  );
  assert.equal(problems[1], []);
});

test('damaged metadata is found by its checksum', async () => {
  const disk = recordedDisk('frozen-a');
  const at = (await disk.read(0, 2 ** 20)).lastIndexOf('seqno = 4');
  const damaged = changedDisk(disk, at + 8, 0x3530_3530);
  const { problems } = await verify([damaged, 'frozen-b']);
  assert.match(problems[0]?.join('\n') ?? '', 'the checksum of its metadata is wrong');
});

test('frozen md arrays of level 1 and 0: each file system is found and clean', async () => {
  const found = await verify(['frozen-c', 'frozen-d', 'frozen-e', 'frozen-f']);
  assert.equal(found.problems, [[], [], [], []]);
  assert.equal(show(found), [
    ['whole disk: md clean', 'md array (none):1, mirror 0: ext clean'],
    ['whole disk: md clean', 'md array (none):1, mirror 1: ext clean'],
    ['whole disk: md clean', 'md array (none):0: ext clean'],
    ['whole disk: md clean'],
  ]);
  assert.equal(
    found.heads.map((each) => each[1]?.uuid),
    [
      ...['20d9a2bf-849f-485f-acfc-92416543e7c5', '20d9a2bf-849f-485f-acfc-92416543e7c5'],
      ...['c26cdfc3-68ad-463f-b82a-e65670c65454', undefined],
    ],
  );
});

test('without the freeze, the arrays have to be recovered', async () => {
  const { problems } = await verify(['live-c', 'live-d', 'live-e', 'live-f']);
  assert.equal(
    problems.map((each) => each.filter((it) => it.includes('has to recover')).length),
    [1, 1, 1, 1],
  );
});

test('a superblock near the end does not let a member pass for a plain disk', async () => {
  const found = await verify(['end-c', 'end-d']);
  assert.equal(found.problems, [[], []]);
  assert.equal(show(found)[1], ['whole disk: md clean', 'md array (none):2, mirror 1: ext clean']);
});

test('members whose event counts differ: the one behind is named, and is not judged', async () => {
  const found = await verify(['later-c', 'later-d']);
  assert.equal(found.problems[0], []);
  assert.is(found.problems[1]?.length, 1);
  assert.match(
    found.problems[1]?.[0] ?? '',
    'with event count 2, that on disk 1 has 7: it had fallen out of the array, or shows another instant',
  );
  assert.equal(show(found)[1], ['whole disk: md clean']);
});

test('a missing member of each level', async () => {
  const mirror = await verify(['frozen-c']);
  assert.match(
    mirror.problems[0]?.[0] ?? '',
    'md array (none):1: of its 2 members, number 1 (from 0) is on no disk that was read',
  );
  const stripes = await verify(['frozen-e']);
  assert.match(stripes.problems[0]?.[0] ?? '', 'number 1 (from 0) is on no disk that was read');
  assert.is(stripes.heads[0]?.[1]?.state, 'notLookedInto');
});

test('of a level that is not mapped, it is said that it was not looked into', async () => {
  const { heads } = await verify(['five-e']);
  assert.match(
    heads[0]?.[1]?.detail ?? '',
    'md array of level 5; what lies in it was not looked into',
  );
});

test('any damage in labels, metadata and superblocks is judged without throwing', async () => {
  const originals = ['frozen-a', 'frozen-b', 'frozen-c', 'frozen-e', 'end-c'].map(recordedDisk);
  const last = Buffer.from((await originals[4]?.read(0, 2 ** 26)) ?? '').lastIndexOf('(none):2');
  const spots = [512, 4096, 4608, 6144, 2 ** 20, last - 32];
  for (let round = 0; round < 120; round += 1) {
    const at = (spots[round % spots.length] ?? 0) + ((round * 29) % 240);
    const word = (round * 2_654_435_761) % 2 ** 32;
    const disks = originals.map((disk) => changedDisk(disk, at, word));
    const { heads } = await verify(disks);
    assert.ok(heads.flat().every(({ detail }) => detail !== ''));
  }
});

const NESTED = ['nested-a', 'nested-c', 'nested-d', 'nested-e', 'nested-f'];

test('a physical volume on an array, a striped and a grown logical volume, a partition on an array', async () => {
  const found = await verify(NESTED);
  assert.equal(found.problems, [[], [], [], [], []]);
  const all = found.heads.flat().map(({ where, kind, state, uuid }) => [where, kind, state, uuid]);
  assert.equal(
    all.filter(([, kind]) => kind === 'ext'),
    [
      ['logical volume vgmd/grown', 'ext', 'clean', 'fcc5c2b6-612a-40da-a0e8-11ac311c204f'],
      ['logical volume vgmd/stripes', 'ext', 'clean', '753898c2-c225-4cf1-8f9b-14caf8c600cc'],
      ['md array (none):0, partition 1', 'ext', 'clean', '6400f08e-de86-4ae2-b6ce-fe3fb8729a60'],
    ],
  );
  assert.equal(
    all.filter(([, , state]) => state !== 'clean'),
    [],
  );
});

test('a mirror is enough for the physical volume on it; a disk beside it is not', async () => {
  const mirror = await verify(['nested-a', 'nested-c']);
  assert.equal(mirror.problems[0], []);
  assert.match(mirror.problems[1]?.[0] ?? '', 'of its 2 members, number 1 (from 0)');
  assert.ok(mirror.heads.flat().some(({ where }) => where === 'logical volume vgmd/stripes'));
  const beside = await verify(['nested-c', 'nested-d']);
  assert.match(beside.problems[1]?.[0] ?? '', '1 of its 2 physical volumes on no disk');
});

const SPANNING_MOUNT = {
  ...{ uuid: SPANNING, mountPoints: ['/spanning'], source: '/dev/mapper/vgdata-spanning' },
  disks: [1, 2],
};

test('the file systems of the manifest are looked for in the volumes', async () => {
  assert.equal((await verify(LVM, [SPANNING_MOUNT])).problems, [[], []]);
  const other = { ...SPANNING_MOUNT, uuid: SPANNING.replace('c1', 'c2') };
  const { problems } = await verify(LVM, [other]);
  assert.equal(problems[1], []);
  assert.match(problems[0]?.[0] ?? '', `no file system with the UUID ${other.uuid}`);
});

test.run();
