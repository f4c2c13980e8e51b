import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type ErrorCode, FlashfreezeError } from '../../src/errors.ts';
import { topologyOf } from '../../src/filesystems/block-topology.ts';
import { makePlan } from '../../src/filesystems/plan.ts';
import type { Plan, Selection } from '../../src/filesystems/plan-types.ts';
import { readPlan } from '../../src/filesystems/read-plan.ts';
import { parseMountinfo } from '../../src/system/mountinfo.ts';
import { suite } from '../suite.ts';
import { btrfs } from './fixtures/btrfs.ts';
import { gen1 } from './fixtures/gen1.ts';
import { gen2Lvm } from './fixtures/gen2-lvm.ts';
import { images } from './fixtures/images.ts';
import { nvme } from './fixtures/nvme.ts';
import { raidAndLuks } from './fixtures/raid-and-luks.ts';
import { DATA_CONTROLLER, Machine } from './machine.ts';

const test = suite('plan');
const ALL: Selection = { include: [], skip: [] };

const planOf = (machine: Machine, selection: Partial<Selection> = {}): Promise<Plan> =>
  readPlan({ ...ALL, ...selection }, machine.build());

/** Mount point, its disks, wave by wave. */
function outline({ fileSystems, waves }: Plan): string[][] {
  return waves.map((wave) =>
    wave.map((index) => {
      const { mountPoint = '?', disks = [] } = fileSystems[index] ?? {};
      return `${mountPoint} on ${disks.join(' ')}`;
    }),
  );
}

/** Mount point and reason, without what is no matter of disks. */
const exclusions = ({ excluded }: Plan): string[] =>
  excluded
    .filter(({ reason }) => reason !== 'pseudo')
    .map(({ mountPoint, reason }) => `${mountPoint}: ${reason}`);

async function refusalOf(planned: Promise<Plan>): Promise<readonly [ErrorCode, string]> {
  try {
    await planned;
  } catch (error) {
    if (error instanceof FlashfreezeError) {
      return [error.code, error.message];
    }
    throw error;
  }
  throw new Error('nothing was refused');
}

/** An xfs with two mount points on sdc beside ext4 file systems whose superblocks have the given options. */
const withOptions = (...options: readonly string[]): Machine =>
  new Machine()
    .dataDisks('sdc', 'sdd', 'sde', 'sdf')
    .mounts(
      [
        '22 1 8:32 /sock /jail rw - xfs /dev/sdc rw',
        '23 1 8:32 /www /jail/www rw - xfs /dev/sdc rw',
        ...options.map(
          (it, at) => `${30 + at} 1 8:${48 + 16 * at} / /d${at} rw - ext4 /dev/sd rw,${it}`,
        ),
      ].join('\n'),
    );

test('what the kernel has shut down after an error is left out and warned of, and cannot be written to', async () => {
  const plan = await planOf(withOptions('shutdown', 'errors=remount-ro,emergency_ro', 'barrier'));
  assert.equal(exclusions(plan), ['/d0: dead', '/d1: dead']);
  assert.ok(plan.excluded.every(({ isWritable }) => !isWritable));
  assert.equal(
    plan.warnings?.map((it) => it.split(',')[0]),
    ['/d0 (ext4) is not frozen', '/d1 (ext4) is not frozen'],
  );
});

test('another mount point takes the place of one that cannot be opened; without one it is left out', async () => {
  const machine = withOptions('barrier');
  const pointsOf = ({ fileSystems }: Plan): string[] =>
    fileSystems.map(({ mountPoint }) => mountPoint).sort();
  assert.equal(pointsOf(await planOf(machine)), ['/d0', '/jail']);
  const second = await planOf(machine, { notOpenable: ['/jail'] });
  assert.equal(pointsOf(second), ['/d0', '/jail/www']);
  const named = await planOf(machine, { notOpenable: ['/jail'], include: ['/jail'] });
  assert.equal(pointsOf(named), ['/jail/www']);
  const none = await planOf(machine, { notOpenable: ['/jail', '/jail/www'] });
  assert.equal(exclusions(none), ['/jail: not-openable']);
  assert.ok(none.excluded.every(({ isWritable }) => isWritable));
});

test('generation 1: each superblock once, the temporary disk and what needs no freeze left out', async () => {
  const plan = await planOf(gen1());
  assert.equal(outline(plan), [['/data/log files on sdd', '/data on sdc', '/ on sda']]);
  assert.equal(plan.fileSystems[2]?.mountPoints, ['/', '/srv/home']);
  assert.equal(
    plan.disks.map(({ name, path, lun, role }) => ({ name, path, lun, role })),
    [
      { name: 'sda', path: '/dev/sda', lun: undefined, role: 'os' },
      { name: 'sdc', path: '/dev/sdc', lun: 3, role: 'data' },
      { name: 'sdd', path: '/dev/sdd', lun: 0, role: 'data' },
    ],
  );
  assert.is(plan.disks[1]?.sizeBytes, 1024 ** 4);
  assert.equal(plan.warnings, [
    '/boot/efi (vfat) cannot be frozen: its disk shows the instant only if nothing is written to it meanwhile, and then as after a power cut',
  ]);
  assert.equal(exclusions(plan), [
    '/dev: not-freezable',
    '/run: not-freezable',
    '/snap/core20/2434: not-freezable',
    '/snap/lxd/29619: not-freezable',
    '/boot/efi: not-freezable',
    '/mnt: temporary-disk',
    '/srv/share: network',
    '/var/lib/docker/overlay2/4f/merged: not-freezable',
    '/var/lib/docker/containers/4f/mounts/shm: not-freezable',
  ]);
});

test('generation 2 with LVM: through volume groups to whole disks', async () => {
  const plan = await planOf(gen2Lvm());
  assert.equal(outline(plan), [
    ['/hana/data on sdc sdd', '/boot on sda', '/var on sda', '/ on sda'],
  ]);
  assert.ok(exclusions(plan).includes('/mnt/resource: temporary-disk'));
});

test('NVMe: LUNs from namespace ids, local disks are temporary, an external xfs log is a disk too', async () => {
  const plan = await planOf(nvme());
  assert.equal(outline(plan), [['/data0 on nvme0n2 nvme0n3', '/data1 on nvme0n2', '/ on nvme0n1']]);
  assert.equal(
    plan.disks.map(({ name, lun, role }) => `${name} ${role} ${lun}`),
    ['nvme0n1 os undefined', 'nvme0n2 data 1', 'nvme0n3 data 0'],
  );
  assert.ok(exclusions(plan).includes('/mnt/scratch: temporary-disk'));
});

test('RAID, LUKS, bcache and multipath', async () => {
  assert.equal(outline(await planOf(raidAndLuks())), [
    [
      '/cached on sdh sdi',
      '/multipath on sdj',
      '/raid on sdc sdd sde sdf',
      '/secret on sdg',
      '/ on sda',
    ],
  ]);
});

test('btrfs: subvolumes and second mounts once, all member devices, no member known', async () => {
  const plan = await planOf(btrfs());
  assert.equal(outline(plan), [['/data on sdc sdd', '/lv on sde', '/ on sda']]);
  assert.equal(plan.fileSystems[2]?.mountPoints, ['/', '/home', '/var']);
  assert.equal(plan.fileSystems[0]?.mountPoints, ['/data', '/archive']);
  assert.equal(exclusions(plan), ['/gone: no-block-device']);
  assert.match(plan.warnings?.join() ?? '', '/gone (btrfs) is not frozen');
});

test('an external journal is a disk of every ext4 that has none of its own, and of no other', async () => {
  const machine = two()
    .mounts('9 1 8:32 / /external rw - ext4 /dev/sdc rw')
    .scsi({ name: 'sdc', number: '8:32', controller: DATA_CONTROLLER, address: '1:0:0:2' })
    .scsi({ name: 'sdx', number: '65:0', controller: DATA_CONTROLLER, address: '1:0:0:9' })
    .journals('sda-8', 'sdx');
  assert.equal(outline(await planOf(machine)), [
    ['/data on sdb', '/external on sdc sdx', '/ on sda'],
  ]);
  machine.journals('sdc-8');
  assert.equal(outline(await planOf(machine)), [['/data on sdb', '/external on sdc', '/ on sda']]);
});

test('images: the image first, on the disks of what holds it; on tmpfs the loop device is the disk', async () => {
  const plan = await planOf(images());
  assert.equal(outline(plan), [
    ['/img/deep on sdc'],
    ['/img on sdc'],
    ['/data on sdc', '/lab on loop2', '/ on sda'],
  ]);
  const imageOn = new Map(plan.fileSystems.map((each) => [each.mountPoint, each.imageOn]));
  assert.equal(
    ['/img/deep', '/img', '/data', '/lab'].map((mountPoint) => imageOn.get(mountPoint)),
    ['7:0', '8:32', undefined, undefined],
  );
  assert.equal(plan.warnings, []);
  assert.equal(exclusions(plan), [
    '/run: not-freezable',
    '/mnt/resource: temporary-disk',
    '/scratch-image: temporary-disk',
  ]);
});

test('where the holder is left out, the image’s disks are the loop device and the holder’s', async () => {
  const plan = await planOf(images(), { skip: ['/data'] });
  assert.equal(outline(plan), [
    ['/img/deep on loop0 sdc'],
    ['/img on loop0 sdc', '/lab on loop2', '/ on sda'],
  ]);
});

test('an image on one left out that lies on an image itself is held by what is planned below', async () => {
  const plan = await planOf(images(), { skip: ['/img'] });
  assert.equal(outline(plan), [
    ['/img/deep on loop1 sdc'],
    ['/data on sdc', '/lab on loop2', '/ on sda'],
  ]);
  assert.is(plan.fileSystems[0]?.imageOn, '8:32');
});

const withImage = (image: string): Machine =>
  new Machine()
    .virtio({ name: 'vda', number: '254:0', gib: 30 })
    .loop({ name: 'loop0', number: '7:0', gib: 1, image })
    .mounts(`
      1 0 254:0 / / rw - ext4 /dev/vda rw
      2 1 0:9 / /run rw - tmpfs tmpfs rw
      3 1 7:0 / /image rw - ext4 /dev/loop0 rw
      4 1 0:31 / /merged rw - overlay overlay rw,lowerdir=l/A,upperdir=/upper,workdir=/work
      5 1 0:32 / /fuse rw - fuse.x x rw
    `);

test('an image that cannot be seen is frozen before all that could hold it, with a warning', async () => {
  const other = { gib: 2 };
  const cases: readonly Machine[] = [
    withImage('/nowhere'),
    withImage('/other-namespace').file('/other-namespace', '254:0', other),
    withImage('/other-device').file('/other-device', '254:99', { gib: 1 }),
    withImage('/fuse/image').file('/fuse/image', '0:32', { gib: 1 }),
    withImage('/run/image (deleted)'),
  ];
  for (const machine of cases) {
    const plan = await planOf(machine);
    assert.equal(outline(plan), [['/image on loop0'], ['/ on vda']]);
    assert.is(plan.warnings?.length, 1);
    assert.match(plan.warnings?.[0] ?? '', /\/image lies in an image \(loop0, .*\) whose place/);
  }
});

test('an unlinked image is held by what its last path says, and that is not relied on', async () => {
  const plan = await planOf(withImage('/image.img (deleted)'));
  assert.equal(outline(plan), [['/image on loop0 vda'], ['/ on vda']]);
  assert.is(plan.warnings?.length, 1);
});

test('an image on an overlay lies on the file system of its upper directory', async () => {
  const plan = await planOf(withImage('/merged/i').file('/merged/i', '0:31', { gib: 1 }));
  assert.equal(outline(plan), [['/image on vda'], ['/ on vda']]);
  assert.equal(plan.warnings, []);
});

test('images that hold each other, which no kernel has, still end in a plan', async () => {
  const circle = new Machine()
    .loop({ name: 'loop0', number: '7:0', gib: 1, image: '/b/a.img' })
    .loop({ name: 'loop1', number: '7:1', gib: 1, image: '/a/b.img' })
    .file('/b/a.img', '7:1', { gib: 1 })
    .file('/a/b.img', '7:0', { gib: 1 })
    .mounts(`
      1 0 7:0 / /a rw - ext4 /dev/loop0 rw
      2 0 7:1 / /b rw - ext4 /dev/loop1 rw
    `);
  const { fileSystems, waves } = await planOf(circle);
  assert.is(fileSystems.length, 2);
  assert.equal(waves, [[0], [1]]);
});

test('file systems on temporary and other disks together stay', async () => {
  const machine = gen1()
    .stacked({ name: 'dm-0', number: '253:0', on: ['sdb1', 'sdd'] })
    .mounts('200 30 253:0 / /mixed rw - ext4 /dev/dm-0 rw');
  assert.ok(outline(await planOf(machine))[0]?.includes('/mixed on sdb sdd'));
});

const two = (): Machine =>
  new Machine()
    .scsi({ name: 'sda', number: '8:0', controller: DATA_CONTROLLER, address: '1:0:0:0' })
    .scsi({ name: 'sdb', number: '8:16', controller: DATA_CONTROLLER, address: '1:0:0:1' })
    .mounts(`
      1 0 8:0 / / rw - ext4 /dev/sda rw
      2 1 8:16 / /data rw - xfs /dev/sdb rw
      3 1 8:16 /a /bind/of\\040a ro - xfs /dev/sdb rw
      4 1 0:9 / /tmp rw - tmpfs tmpfs rw
    `);

test('what is to be skipped and is no mount point is said, since it may be misspelt', async () => {
  const { warnings } = await planOf(two(), { skip: ['/data', '/dat', '/data/below/', '/tmp'] });
  assert.equal(warnings, [
    '/dat is to be left out, but nothing is mounted there',
    '/data/below/ is to be left out, but nothing is mounted there',
  ]);
});

test('a skipped mount point leaves its superblock out, under whichever of its names', async () => {
  for (const skip of ['/data', '/data/', '//data/.', '/bind/of a']) {
    const plan = await planOf(two(), { skip: [skip] });
    assert.equal(outline(plan), [['/ on sda']], skip);
    assert.ok(exclusions(plan).includes('/data: skipped'));
  }
  for (const skip of ['/dat', '/data/x', 'data', '']) {
    assert.is((await planOf(two(), { skip: [skip] })).fileSystems.length, 2, skip);
  }
});

for (const [patterns, left] of [
  [['/da*'], ['/ on sda']],
  [['/**/of a'], ['/ on sda']],
  [['type:xfs'], ['/ on sda']],
  [['type:e*'], ['/data on sdb']],
  [['disk:sdb'], ['/ on sda']],
  [['disk:/dev/sda'], ['/data on sdb']],
  [['type:tmpfs'], ['/ on sda', '/data on sdb']],
] as const) {
  test(`skip ${patterns.join(' ')} leaves out what matches, and says nothing`, async () => {
    const plan = await planOf(two(), { skip: patterns });
    assert.equal(outline(plan).flat().sort(), [...left]);
    assert.equal(plan.warnings, []);
  });
}

for (const [patterns, chosen] of [
  [['/*'], ['/data on sdb']],
  [['/**'], ['/ on sda', '/data on sdb']],
  [['type:ext4'], ['/ on sda']],
  [['disk:sd[b-z]'], ['/data on sdb']],
  [
    ['type:ext4', '/bind/of a'],
    ['/ on sda', '/bind/of a on sdb'],
  ],
] as const) {
  test(`mount ${patterns.join(' ')} freezes what matches and can be frozen`, async () => {
    const plan = await planOf(two(), { include: patterns });
    assert.equal(outline(plan).flat().sort(), [...chosen]);
    assert.equal(plan.warnings, []);
  });
}

test('a pattern that matches nothing is said', async () => {
  const skip = ['/nowhere/*', 'type:zfs', 'disk:sdz', '/dat'];
  const { warnings } = await planOf(two(), { skip, include: ['/data', 'type:btrfs'] });
  assert.equal(warnings, [
    '/nowhere/* is to be left out, but it matches nothing that is mounted',
    'type:zfs is to be left out, but it matches nothing that is mounted',
    'disk:sdz is to be left out, but it matches nothing that is mounted',
    '/dat is to be left out, but nothing is mounted there',
    'type:btrfs is to be frozen, but it matches nothing that is mounted',
  ]);
});

test('a pattern does not want the temporary disk', async () => {
  const plan = await planOf(gen1(), { include: ['type:ext4'] });
  assert.not.ok(outline(plan).flat().includes('/mnt on sdb'));
  assert.ok(exclusions(plan).includes('/mnt: temporary-disk'));
});

test('an included mount point is the one opened, and the rest is not selected', async () => {
  const plan = await planOf(two(), { include: ['/bind/of a/'] });
  assert.equal(outline(plan), [['/bind/of a on sdb']]);
  assert.is(plan.fileSystems[0]?.mountId, 3);
  assert.ok(exclusions(plan).includes('/: not-selected'));
  assert.is((await planOf(two(), { include: ['/data', '/bind/of a'] })).fileSystems.length, 1);
});

test('a read-only bind of a writable file system does not leave it out, a read-only superblock does', async () => {
  const machine = two().mounts('9 1 8:32 / /ro rw - ext4 /dev/sdc ro,errors=continue');
  machine.scsi({ name: 'sdc', number: '8:32', controller: DATA_CONTROLLER, address: '1:0:0:2' });
  assert.ok(exclusions(await planOf(machine)).includes('/ro: read-only'));
  const plan = await planOf(machine, { include: ['/ro', '/data'] });
  assert.equal(outline(plan), [['/data on sdb']]);
  const [code, message] = await refusalOf(planOf(machine, { include: ['/ro'] }));
  assert.is(code, 'FF_NOTHING_TO_FREEZE');
  assert.match(message, '/ro (read-only)');
});

test('include wins over the temporary disk, skip over include', async () => {
  assert.equal(outline(await planOf(gen1(), { include: ['/mnt'] })), [['/mnt on sdb']]);
  const [code] = await refusalOf(planOf(two(), { include: ['/data'], skip: ['/data'] }));
  assert.is(code, 'FF_NOTHING_TO_FREEZE');
});

test('what cannot be included is refused with what to do instead', async () => {
  const cases: readonly [Machine, string, ErrorCode, RegExp][] = [
    [two(), '/data/sub', 'FF_MOUNT_NOT_FOUND', /below the mount point \/data\./],
    [two(), 'data', 'FF_MOUNT_NOT_FOUND', /absolute/],
    [two(), '/tmp', 'FF_MOUNT_NOT_FREEZABLE', /tmpfs cannot be frozen/],
    [gen1(), '/srv/share', 'FF_MOUNT_NOT_FREEZABLE', /nfs4/],
    [btrfs(), '/gone', 'FF_MOUNT_NOT_FREEZABLE', /no block device/],
  ];
  for (const [machine, include, code, message] of cases) {
    const [actual, text] = await refusalOf(planOf(machine, { include: [include] }));
    assert.is(actual, code);
    assert.match(text, message);
  }
});

test('without any suitable file system there is nothing to freeze', async () => {
  const [code, message] = await refusalOf(
    planOf(new Machine().mounts('1 0 0:9 / / rw - tmpfs t rw')),
  );
  assert.is(code, 'FF_NOTHING_TO_FREEZE');
  assert.match(
    message,
    'no file system that can be frozen is mounted (ext2, ext3, ext4, xfs, btrfs, f2fs and nilfs2 can)',
  );
});

test('a mount point under another mount is not opened; one without any other is hidden', async () => {
  const over = two().mounts('7 2 0:40 / /data rw - tmpfs tmpfs rw');
  const plan = await planOf(over);
  assert.equal(outline(plan), [['/bind/of a on sdb', '/ on sda']]);
  assert.equal(plan.fileSystems[0]?.mountPoints, ['/bind/of a']);
  over.mounts('8 1 0:41 / /bind rw - tmpfs tmpfs rw');
  assert.equal(plan.warnings, []);
  const hidden = await planOf(over);
  assert.ok(exclusions(hidden).includes('/data: hidden'));
  assert.match(hidden.warnings?.[0] ?? '', /^\/data \(xfs\) is not frozen, because another mount/);
  const [code] = await refusalOf(planOf(over, { include: ['/data'] }));
  assert.is(code, 'FF_MOUNT_NOT_FREEZABLE');
});

test('newlines and spaces in mount points arrive as they are', async () => {
  const machine = two().mounts('9 1 8:32 / /new\\012line\\040and\\134 rw - ext4 /dev/sdc rw');
  machine.scsi({ name: 'sdc', number: '8:32', controller: DATA_CONTROLLER, address: '1:0:0:2' });
  assert.ok(outline(await planOf(machine))[0]?.includes('/new\nline and\\ on sdc'));
});

test('a line that cannot be used is a warning in the plan', async () => {
  const plan = await planOf(two().mounts('5 1 8:32 /'));
  assert.equal(plan.warnings, [
    'line 5 of /proc/self/mountinfo is not used: it does not have the fields of a mount',
  ]);
});

/** Random mounts of random superblocks on random points of a small tree. */
const anyMounts = fc
  .array(
    fc.record({
      number: fc.nat(9),
      point: fc.array(fc.constantFrom('a', 'b'), { maxLength: 4 }),
      isReadOnly: fc.boolean(),
      parent: fc.nat(30),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((drawn) =>
    drawn.map(({ number, point, isReadOnly, parent }, index) => {
      const type = ['ext4', 'xfs', 'tmpfs', 'ext4', 'vfat'][number % 5];
      const superOptions = isReadOnly && number % 3 === 0 ? 'ro' : 'rw';
      return `${index + 1} ${Math.min(parent, index)} 8:${number} / /${point.join('/')} rw - ${type} s${number} ${superOptions}`;
    }),
  );

test('every superblock is planned or excluded, once; waves hold every file system, once', () => {
  const topology = topologyOf({
    devices: Array.from({ length: 9 }, (_, index) => ({
      name: `sd${index}`,
      number: `8:${index}`,
      sizeBytes: 1,
      under: { kind: 'nothing', hardware: {} } as const,
    })),
    btrfs: [],
    nodes: new Map(),
    chassisAssetTag: undefined,
  });
  fc.assert(
    fc.property(anyMounts, (lines) => {
      const { mounts } = parseMountinfo(lines.join('\n'));
      let plan: Plan;
      try {
        plan = makePlan(mounts, topology, ALL);
      } catch (error) {
        assert.is((error as FlashfreezeError).code, 'FF_NOTHING_TO_FREEZE');
        return;
      }
      const { fileSystems, excluded, waves, disks } = plan;
      const seen = [...fileSystems, ...excluded].map(({ device }) => device).sort();
      assert.equal(seen, [...new Set(mounts.map(({ device }) => device))].sort());
      assert.equal(waves.flat(), [...fileSystems.keys()]);
      assert.ok(
        fileSystems.every(({ mountPoint, mountPoints }) => mountPoints.includes(mountPoint)),
      );
      const names = fileSystems.flatMap((each) => each.disks);
      assert.equal(
        disks.map(({ name }) => name),
        [...new Set(names)].sort(),
      );
    }),
    { numRuns: 500 },
  );
});

test('10,000 mounts, 1,000 of them file systems of their own, make a plan', async () => {
  const machine = new Machine();
  const lines = ['1 0 8:0 / / rw - ext4 /dev/sda rw'];
  for (let index = 1; index < 10_000; index += 1) {
    const number = index < 1000 ? `8:${index}` : `0:${index}`;
    const type = index < 1000 ? 'ext4' : 'tmpfs';
    lines.push(`${index + 1} 1 ${number} / /pods/${index}/volume rw - ${type} d${index} rw`);
  }
  for (let index = 0; index < 1000; index += 1) {
    machine.virtual({ name: `nbd${index}`, number: `8:${index}` });
  }
  const system = machine.mounts(lines.join('\n')).build();
  const plan = await readPlan(ALL, system);
  assert.is(plan.fileSystems.length, 1000);
  assert.is(plan.fileSystems.at(-1)?.mountPoint, '/');
  assert.is(plan.excluded.length, 9000);
  // Each device is read once, however many mounts there are.
  const reads = [...system.asked.values()].reduce((sum, count) => sum + count, 0);
  assert.ok(reads <= 10 * 1000 + 10, `${reads} reads`);
});

test.run();
