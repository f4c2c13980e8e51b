import * as assert from 'uvu/assert';
import { type DeepReport, deepReportText } from '../../src/commands/snapshots-deep-text.ts';
import type { Head } from '../../src/restore/head-types.ts';
import { notProved } from '../../src/restore/not-proved.ts';
import { verifyPoint } from '../../src/restore/verify-point.ts';
import { withVolumes } from '../../src/restore/verify-volumes.ts';
import type { Manifest, StoredMember } from '../../src/restore-points/restore-point.ts';
import { suite } from '../suite.ts';
import { gptDisk, LINUX, readerOf, SIZE_BYTES } from './fixtures/gpt-disk.ts';

const test = suite('what verify --deep has not proved');

const UUID = '0f3a6a5e-0000-4000-8000-000000000001';
const EXT: Head = {
  ...{ where: 'partition 1', offset: 0, sizeBytes: 1024 },
  ...{ kind: 'ext', uuid: UUID, state: 'clean', detail: 'its journal is empty' },
};
const unread = (kind: Head['kind'], uuid?: string): Head => ({
  ...{ where: 'partition 2', offset: 0, sizeBytes: 1024 },
  ...{ kind, uuid, state: 'notLookedInto', detail: 'nothing known' },
});
const DISK: Manifest['disks'][number] = {
  ...{ position: 1, device: '/dev/sdc', lun: 0, sizeBytes: 1024, source: 'https://x/c/d' },
  ...{ snapshot: 't', showsInstant: true, volumes: [] },
};
const ROOT: Manifest['fileSystems'][number] = {
  ...{ mountPoints: ['/'], type: 'ext4', uuid: UUID, label: null },
  ...{ source: '/dev/sdc1', disks: [1], wasFrozen: true },
};
type Recorded = Pick<Manifest, 'disks' | 'fileSystems' | 'problems'>;
const manifestOf = (...fileSystems: Manifest['fileSystems'][number][]): Recorded => ({
  disks: [DISK],
  fileSystems,
  problems: [],
});
/** The run did not know which device the disk was, so that no file system lies on it by its manifest. */
const UNKNOWN_DEVICE = { disks: [{ ...DISK, device: null, lun: null }], problems: [] };
const NOWHERE = { ...ROOT, disks: [] };
const CUT = [
  'This manifest leaves out 900 of 1000 file systems, because it may have 1 MiB at most.',
];

const cases: readonly [
  name: string,
  heads: readonly Head[],
  manifest: Recorded | undefined,
  isProved: boolean,
][] = [
  ['a clean file system', [EXT], undefined, true],
  ['no heads', [], undefined, false],
  ['a blank disk', [unread('blank')], undefined, false],
  ['garbage', [unread('unknown')], undefined, false],
  ['LUKS beside a clean file system', [EXT, unread('luks')], undefined, false],
  ['a disk recorded as blank', [unread('blank')], manifestOf(), true],
  ['a disk recorded as raw', [unread('unknown')], manifestOf(), true],
  [
    'a blank disk that the manifest does not name',
    [unread('blank')],
    { disks: [], fileSystems: [], problems: [] },
    false,
  ],
  ['raw data beside all that was mounted', [EXT, unread('unknown')], manifestOf(ROOT), true],
  ['LUKS that may hold what was mounted', [unread('luks')], manifestOf(ROOT), false],
  ['what was mounted, not judged', [unread('ext', UUID)], manifestOf(ROOT), false],
  [
    'something mounted without a UUID',
    [EXT, unread('unknown')],
    manifestOf(ROOT, { ...ROOT, uuid: null }),
    false,
  ],
  [
    'a file system in an image',
    [EXT, unread('unknown')],
    manifestOf(ROOT, { ...ROOT, uuid: null, source: '/dev/loop3' }),
    true,
  ],
  [
    'a blank disk whose device the run did not know',
    [unread('blank')],
    { ...UNKNOWN_DEVICE, fileSystems: [NOWHERE] },
    false,
  ],
  [
    'the same without any file system in the manifest',
    [unread('unknown')],
    { ...UNKNOWN_DEVICE, fileSystems: [] },
    false,
  ],
  [
    'raw data beside a clean file system on a disk whose device the run did not know',
    [EXT, unread('unknown')],
    { ...UNKNOWN_DEVICE, fileSystems: [NOWHERE] },
    false,
  ],
  [
    'a clean file system on a disk whose device the run did not know',
    [EXT],
    { ...UNKNOWN_DEVICE, fileSystems: [NOWHERE] },
    true,
  ],
  ['raw data that may hold what lies on no disk', [unread('unknown')], manifestOf(NOWHERE), false],
  [
    'raw data beside what lies on no disk by the manifest and was found clean',
    [EXT, unread('unknown')],
    manifestOf(NOWHERE),
    true,
  ],
  [
    'a file system in an image that lies on no disk',
    [unread('unknown')],
    manifestOf({ ...NOWHERE, source: '/dev/loop3' }),
    true,
  ],
  [
    'a manifest that leaves out file systems',
    [EXT, unread('unknown')],
    { ...manifestOf(ROOT), problems: CUT },
    false,
  ],
  [
    'a manifest with another problem',
    [EXT, unread('unknown')],
    { ...manifestOf(ROOT), problems: ['/data could not be frozen'] },
    true,
  ],
];

for (const [name, heads, manifest, isProved] of cases) {
  test(name, () => {
    const member = memberOf(1, 1, 1024);
    const found = notProved([{ member, heads }], manifest).get(1) ?? [];
    assert.is(found.length === 0, isProved, found.join('\n'));
  });
}

function memberOf(position: number, count: number, sizeBytes: number): StoredMember {
  return {
    place: { kind: 'managed', id: `s${position}`, sourceDisk: 'd' },
    takenAt: new Date(0),
    sizeBytes,
    membership: {
      ...{ restorePoint: 'r', position, count, host: 'db1', vm: undefined },
      ...{ device: undefined, lun: undefined, version: undefined },
    },
    values: {},
  };
}

async function verify(disk: Buffer, manifest?: Recorded) {
  const member = memberOf(1, 1, disk.length);
  const open = async () => ({ read: readerOf(disk), close: () => Promise.resolve(undefined) });
  const all = manifest as Manifest | undefined;
  const found = await withVolumes(
    await verifyPoint({ members: [member], manifest: all }, open),
    all,
    open,
  );
  return { problems: found[0]?.problems ?? [], unproved: notProved(found, all).get(1) ?? [] };
}

const luks = Buffer.alloc(SIZE_BYTES);
luks.write('LUKS\xba\xbe', 0, 'latin1');
luks.writeUInt16BE(2, 6);
luks.write('11111111-2222-3333-4444-555555555555', 168);

const UNPROVED: readonly [name: string, disk: Buffer][] = [
  ['a blank disk', Buffer.alloc(SIZE_BYTES)],
  ['garbage', Buffer.alloc(SIZE_BYTES, 'garbage')],
  ['a GPT without partitions', gptDisk([])],
  ['LUKS only', luks],
];

for (const [name, disk] of UNPROVED) {
  test(`without a manifest: ${name} is neither a fault nor proved`, async () => {
    const { problems, unproved } = await verify(disk);
    assert.equal(problems, []);
    assert.is(unproved.length, 1);
  });
}

test('without a manifest: a damaged GPT is a fault', async () => {
  const disk = gptDisk([{ type: LINUX, first: 64, last: 4095 }]);
  disk[512 + 40] = 9;
  const { problems } = await verify(disk);
  assert.match(problems.join('\n'), 'whole disk (gpt): damaged: the GPT at its start is not valid');
});

const f2fs = gptDisk([{ type: LINUX, first: 64, last: 4095 }]);
f2fs.writeUInt32LE(0xf2f5_2010, 64 * 512 + 1024);
f2fs.write(UUID.replaceAll('-', ''), 64 * 512 + 1024 + 0x6c, 'hex');
const noise = gptDisk([{ type: LINUX, first: 64, last: 4095 }]).fill('noise', 64 * 512, 4096 * 512);
const mapped = { source: '/dev/mapper/osencrypt' };

const HIDDEN: readonly [
  name: string,
  disk: Buffer,
  its: Partial<Manifest['fileSystems'][number]>,
][] = [
  ['ext4 on dm-crypt whose header is elsewhere', noise, mapped],
  ['exfat', noise, { type: 'exfat', uuid: 'ABCD-1234' }],
  ['f2fs', f2fs, { type: 'f2fs' }],
];

for (const [name, disk, its] of HIDDEN) {
  test(`with a manifest: ${name} is neither a fault nor proved`, async () => {
    const disks = [{ ...DISK, sizeBytes: disk.length }];
    const found = await verify(disk, {
      disks,
      fileSystems: [{ ...ROOT, ...its }],
      problems: [],
    });
    assert.equal(found.problems, []);
    assert.is(found.unproved.length, 1);
  });
}

test('with a manifest: a plain ext4 that is not there is a fault', async () => {
  const disks = [{ ...DISK, sizeBytes: noise.length }];
  const { problems } = await verify(noise, { disks, fileSystems: [ROOT], problems: [] });
  assert.match(problems.join('\n'), 'no file system with the UUID');
});

const REPORT: DeepReport = {
  ...{ id: 'r', host: 'db1', vm: null, at: 't', worth: 'complete', consistency: null },
  ...{ count: 1, present: 1, sizeBytes: 1, mountable: false, verdict: 'notProved' },
  disks: [
    {
      ...{ position: 1, kind: 'managed', source: 'd', snapshot: 's', takenAt: 't', sizeBytes: 1 },
      heads: [EXT, unread('luks')].map(({ where, kind, state, detail }) => ({
        ...{ where, kind, state, detail, uuid: null },
      })),
      ...{ problems: [], notProved: ['partition 2 (luks): nothing known'] },
    },
  ],
};

test('the words claim no more than what was looked into', () => {
  assert.is(
    deepReportText(REPORT).split('\n').at(-1),
    '! restore point r of db1: nothing found wrong, but not proved; 1 of 2 places on its disks was not looked into: disk 1, partition 2 (luks): nothing known',
  );
  const accounted = deepReportText({ ...REPORT, mountable: true, verdict: 'mountable' });
  assert.match(
    accounted,
    'in any file system that was mounted; 1 of 2 places on its disks was not',
  );
  assert.not.match(accounted, 'on any disk\n');
});

test.run();
