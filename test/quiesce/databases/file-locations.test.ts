import * as assert from 'uvu/assert';
import type { FileSystem } from '../../../src/filesystems/plan-types.ts';
import {
  describeParts,
  type PlacedPart,
  partsOutside,
  partsWithoutSnapshot,
  withMountsBelow,
} from '../../../src/quiesce/databases/file-locations.ts';
import { suite } from '../../suite.ts';

const test = suite('whereabouts of a database');

function fileSystem(device: string, disks: readonly string[]): FileSystem {
  const mountPoint = `/${device}`;
  return {
    ...{ device, type: 'ext4', source: '/dev/x', mountPoint, mountPoints: [mountPoint] },
    ...{ disks, imageOn: undefined },
  };
}

const A = fileSystem('8:0', ['sda']);
const A2 = fileSystem('8:1', ['sda']);
const B = fileSystem('8:16', ['sdb']);
const WIDE = fileSystem('0:40', ['sdc', 'sdd']);

function part(path: string, on: FileSystem | string | undefined): PlacedPart {
  const inPlan = typeof on === 'object' ? on : undefined;
  return {
    what: 'the part',
    path,
    device: typeof on === 'string' ? on : inPlan?.device,
    fileSystem: inPlan,
    mountPoint: inPlan?.mountPoint,
  };
}

const ALL = (): boolean => true;
const ONLY_A = ({ device }: FileSystem): boolean => device === A.device;
const cases: readonly [
  name: string,
  freezes: boolean,
  isSnapshotted: (fileSystem: FileSystem) => boolean,
  parts: readonly PlacedPart[],
  outside: readonly string[],
][] = [
  ['everything frozen', true, ALL, [part('/a', A), part('/b', B), part('/c', WIDE)], []],
  ['a part elsewhere', true, ALL, [part('/a', A), part('/x', '9:9')], ['/x']],
  ['a part that cannot be found', true, ALL, [part('/a', A), part('/x', undefined)], ['/x']],
  ['a part whose disk is not snapshotted', true, ONLY_A, [part('/a', A), part('/b', B)], ['/b']],
  ['no freeze, two disks', false, ALL, [part('/a', A), part('/b', B)], ['/a', '/b']],
  ['no freeze, one disk', false, ALL, [part('/a', A), part('/a2', A)], []],
  ['no freeze, one file system over two disks', false, ALL, [part('/c', WIDE)], ['/c']],
  ['no freeze, two file systems on one disk', false, ALL, [part('/a', A), part('/a2', A2)], []],
  ['no freeze, one disk that is not snapshotted', false, ONLY_A, [part('/b', B)], ['/b']],
  [
    'no freeze, one device that is no disk',
    ...([false, ALL, [part('/x', '9:9'), part('/y', '9:9')], ['/x', '/y']] as const),
  ],
  ['no freeze, a part that cannot be found', false, ALL, [part('/x', undefined)], ['/x']],
];

for (const [name, freezes, isSnapshotted, parts, outside] of cases) {
  test(`${name}: ${outside.length} outside`, () => {
    const found = partsOutside(parts, { freezes, isSnapshotted });
    assert.equal(
      found.map(({ path }) => path),
      outside,
    );
  });
}

test('a backup mode covers parts that show different instants, if each is whole', () => {
  const parts = [part('/a', A), part('/b', B), part('/c', WIDE), part('/x', '9:9')];
  const missing = (freezes: boolean, isSnapshotted: typeof ONLY_A): string[] =>
    partsWithoutSnapshot(parts, { freezes, isSnapshotted }).map(({ path }) => path);
  assert.equal(missing(true, ALL), ['/x']);
  assert.equal(missing(false, ALL), ['/c', '/x']);
  assert.equal(missing(true, ONLY_A), ['/b', '/c', '/x']);
});

const below: readonly [name: string, mountPoint: string, type: string, found: boolean][] = [
  ['a file system below the data directory', '/data/big', 'ext4', true],
  ['far below it', '/data/big/one', 'xfs', true],
  ['on another machine', '/data/far', 'nfs4', true],
  ['in memory, as for pg_stat_tmp', '/data/pg_stat_tmp', 'tmpfs', false],
  ['beside it, with a name that begins alike', '/data2', 'ext4', false],
  ['above it', '/', 'ext4', false],
  ['the data directory itself', '/data', 'ext4', false],
  ['a part that is known already', '/data/wal', 'ext4', false],
];

for (const [name, mountPoint, type, found] of below) {
  test(`${name}: ${found ? 'part' : 'no further part'} of the database`, () => {
    const parts = [
      { what: 'the data directory', path: '/data' },
      { what: 'the WAL', path: '/data/wal' },
    ];
    const more = { what: 'a file system below the data directory', path: mountPoint };
    const mounts = [
      { mountPoint, type },
      { mountPoint, type },
    ];
    assert.equal(withMountsBelow(parts, mounts), found ? [...parts, more] : parts);
  });
}

test('says what lies where', () => {
  const parts = [part('/a/data', A), part('/x/wal', '9:9')];
  const outside = partsOutside(parts, { freezes: true, isSnapshotted: ALL });
  assert.is(
    describeParts(parts, outside),
    'the part /a/data lies on /8:0; the part /x/wal lies on device 9:9, which is not frozen and snapshotted with it',
  );
});

test.run();
