import * as assert from 'uvu/assert';
import type { Head } from '../../src/restore/head-types.ts';
import { problemsOfDisk } from '../../src/restore/judge-disk.ts';
import type { Manifest } from '../../src/restore-points/restore-point.ts';
import { suite } from '../suite.ts';

const test = suite('what is wrong with the disk of a restore point');

const UUID = '0f3a6a5e-0000-4000-8000-000000000001';
const MEMBER = {
  membership: {
    ...{ restorePoint: 'r', position: 1, count: 1, host: 'db1' },
    ...{ vm: undefined, device: '/dev/sdc', lun: 0, version: undefined },
  },
  sizeBytes: 1024,
} as const;
const CLEAN: Head = {
  ...{ where: 'whole disk', offset: 0, sizeBytes: 1024 },
  ...{ kind: 'ext', uuid: UUID, state: 'clean', detail: 'clean' },
};
const DISK: Manifest['disks'][number] = {
  ...{ position: 1, device: '/dev/sdc', lun: 0, sizeBytes: 1024, source: 'https://x/c/d' },
  ...{ snapshot: 't', showsInstant: true, volumes: [] },
};
const FILE_SYSTEM: Manifest['fileSystems'][number] = {
  ...{ mountPoints: ['/data'], type: 'ext4', uuid: UUID, label: null },
  ...{ source: '/dev/sdc', disks: [1], wasFrozen: true },
};
const GOOD = { disks: [DISK], fileSystems: [FILE_SYSTEM] };
const OTHER = UUID.replace('1', '2');

const UNKNOWN = { kind: 'unknown', uuid: undefined, state: 'notLookedInto' } as const;

const cases: readonly (readonly [
  name: string,
  head: Partial<Head>,
  manifest: Pick<Manifest, 'disks' | 'fileSystems'> | undefined,
  problem: string | undefined,
])[] = [
  ['nothing', {}, GOOD, undefined],
  ['nothing without a manifest', {}, undefined, undefined],
  ['a journal to replay', { state: 'needsRecovery' }, GOOD, 'a mount has to recover it'],
  ['a damaged head', { state: 'damaged' }, undefined, 'damaged'],
  ['another size', {}, { ...GOOD, disks: [{ ...DISK, sizeBytes: 512 }] }, 'the manifest says 512'],
  [
    'an instant that it does not show',
    {},
    { ...GOOD, disks: [{ ...DISK, showsInstant: false }] },
    'could not prove',
  ],
  ['another file system', { uuid: OTHER }, GOOD, `no file system with the UUID ${UUID}`],
  ['the case of a UUID does not count', { uuid: UUID.toUpperCase() }, GOOD, undefined],
  ...(['lvm', 'luks', 'md', 'extended'] as const).map(
    (kind) =>
      [
        `a file system that may lie in ${kind} is not looked for`,
        { kind, uuid: OTHER },
        GOOD,
        undefined,
      ] as const,
  ),
  ...[
    ...['/dev/mapper/osencrypt', '/dev/bcache0'].map((source) => ({ type: 'ext4', source })),
    ...['exfat', 'ntfs3', 'jfs'].map((type) => ({ type, source: '/dev/sdc1' })),
  ].map(
    (its) =>
      [
        `a file system may lie in what shows nothing known: ${its.type} on ${its.source}`,
        UNKNOWN,
        { ...GOOD, fileSystems: [{ ...FILE_SYSTEM, ...its }] },
        undefined,
      ] as const,
  ),
  ...['/dev/sdc', '/dev/sdc1', '/dev/nvme0n1p2'].map(
    (source) =>
      [
        `a plain ext4 does not lie in what shows nothing known: ${source}`,
        UNKNOWN,
        { ...GOOD, fileSystems: [{ ...FILE_SYSTEM, source }] },
        `no file system with the UUID ${UUID}`,
      ] as const,
  ),
  [
    'a file system in an image is not looked for',
    { uuid: OTHER },
    { ...GOOD, fileSystems: [{ ...FILE_SYSTEM, source: '/dev/loop3' }] },
    undefined,
  ],
  [
    'a file system of several disks is not looked for',
    { uuid: OTHER },
    { ...GOOD, fileSystems: [{ ...FILE_SYSTEM, disks: [1, 2] }] },
    undefined,
  ],
];

for (const [name, head, manifest, problem] of cases) {
  test(name, () => {
    const heads = { table: 'none', heads: [{ ...CLEAN, ...head }] } as const;
    const problems = problemsOfDisk(MEMBER, heads, manifest);
    assert.is(problems.length, problem === undefined ? 0 : 1, problems.join('\n'));
    assert.match(problems[0] ?? '', problem ?? '');
  });
}

test.run();
