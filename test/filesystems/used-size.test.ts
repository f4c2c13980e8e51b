import * as assert from 'uvu/assert';
import { thisMachine } from '../../src/filesystems/system-view.ts';
import { measureUsedSpace, type UsedSpace } from '../../src/filesystems/used-size.ts';
import { suite } from '../suite.ts';
import { btrfs } from './fixtures/btrfs.ts';
import { gen1 } from './fixtures/gen1.ts';
import { images } from './fixtures/images.ts';
import { nvme } from './fixtures/nvme.ts';
import { DATA_CONTROLLER, Machine } from './machine.ts';

const test = suite('used space');
const TIB = 1024 ** 4;

interface Measured extends UsedSpace {
  /** Every path that was asked, in order of asking. */
  readonly asked: readonly string[];
}

/** Every file system uses `usedBytes`, or what `special` says. */
async function measured(
  machine: Machine,
  luns?: readonly number[],
  special: Readonly<Record<string, number | undefined>> = {},
): Promise<Measured> {
  const asked: string[] = [];
  const space = await measureUsedSpace({ luns }, machine.build(), (paths) => {
    asked.push(...paths);
    return Promise.resolve(paths.map((path) => (path in special ? special[path] : 1_000)));
  });
  return { ...space, asked };
}

test('generation 1: what lies on disks is counted, frozen or not; images and temporary disks apart', async () => {
  const { asked, ...space } = await measured(gen1());
  assert.equal([...asked].sort(), [
    '/',
    '/boot/efi',
    '/data',
    '/data/log files',
    '/mnt',
    '/snap/core20/2434',
    '/snap/lxd/29619',
  ]);
  assert.equal(space, {
    partitionCount: 4,
    totalUsedSizeInBytes: 4_000,
    isSizeComputationFailed: false,
    figures: {
      ramDisksBytes: 0,
      temporaryDisksBytes: 1_000,
      loopDevicesBytes: 2_000,
      scsiDisksBytes: 4_000,
      networkTypes: ['nfs4'],
      unknownTypes: [],
    },
  });
});

test('if only the OS disk is backed up, the root file system alone is counted', async () => {
  const asked: string[] = [];
  const scope = { isRootOnly: true, luns: [] };
  const space = await measureUsedSpace(scope, gen1().build(), (paths) => {
    asked.push(...paths);
    return Promise.resolve(paths.map(() => 1_000));
  });
  assert.ok(asked.includes('/') && !asked.includes('/data') && !asked.includes('/boot/efi'));
  assert.equal([space.partitionCount, space.totalUsedSizeInBytes], [1, 1_000]);
  assert.is(space.figures.temporaryDisksBytes, 1_000);
});

test('with a list of LUNs only what lies on those disks is counted', async () => {
  const cases: readonly (readonly [luns: readonly number[], paths: readonly string[]])[] = [
    [[], ['/', '/boot/efi', '/data', '/data/log files']],
    [[-1], ['/', '/boot/efi']],
    [
      [0, 3],
      ['/data', '/data/log files'],
    ],
    [[0], ['/data/log files']],
    [[7], []],
  ];
  for (const [luns, paths] of cases) {
    const used = Object.fromEntries(paths.map((path) => [path, 5_000]));
    const space = await measured(gen1(), luns, used);
    assert.is(space.partitionCount, paths.length, luns.join());
    assert.is(space.totalUsedSizeInBytes, paths.length * 5_000, luns.join());
  }
});

test('the total is capped at 1 TiB for each LUN of a list, and not without one', async () => {
  const huge = { '/': 3 * TIB, '/data': 5 * TIB };
  assert.is((await measured(gen1(), [-1, 3], huge)).totalUsedSizeInBytes, 2 * TIB);
  assert.is((await measured(gen1(), [], huge)).totalUsedSizeInBytes, 8 * TIB + 2_000);
});

test('an image is counted with what holds it, and by itself where nothing that is counted does', async () => {
  const { asked, ...space } = await measured(images());
  assert.ok(asked.includes('/img/deep'));
  assert.is(space.partitionCount, 3, '/, /data and /lab, whose image lies in memory');
  assert.is(space.figures.loopDevicesBytes, 3_000);
  assert.is(space.figures.temporaryDisksBytes, 1_000);
});

test('NVMe and btrfs over several disks are counted once', async () => {
  for (const machine of [nvme(), btrfs()]) {
    const { asked, partitionCount, totalUsedSizeInBytes } = await measured(machine);
    assert.is(new Set(asked).size, asked.length);
    assert.ok(partitionCount > 0);
    assert.is(totalUsedSizeInBytes, partitionCount * 1_000);
  }
});

test('a file system that does not answer is owned up to', async () => {
  const space = await measured(gen1(), [], { '/data': undefined });
  assert.is(space.isSizeComputationFailed, true);
  assert.is(space.totalUsedSizeInBytes, 3_000);
  assert.is(space.partitionCount, 4);
  const other = await measured(gen1(), [], { '/mnt': undefined });
  assert.is(other.isSizeComputationFailed, false, 'the temporary disk is not part of the total');
});

/** A disk at /data, and whatever else. */
const machineWith = (mounts: string): Machine =>
  new Machine()
    .scsi({
      name: 'sdc',
      number: '8:32',
      controller: DATA_CONTROLLER,
      address: '3:0:0:3',
    })
    .scsi({ name: 'sdd', number: '8:48', controller: DATA_CONTROLLER, address: '3:0:0:4' })
    .virtual({ name: 'zram1', number: '252:1' })
    .virtual({ name: 'nbd0', number: '43:0' })
    .node('/dev/nbd0', '43:0')
    .mounts('20 1 8:32 / / rw shared:1 - ext4 /dev/sdc rw')
    .mounts(mounts);

test('network mounts, FUSE and what lies below them are never touched', async () => {
  const { asked, ...space } = await measured(
    machineWith(`
      21 20 0:50 / /nfs rw - nfs4 10.0.0.4:/export rw
      22 21 8:48 / /nfs/disk rw - ext4 /dev/sdd rw
      23 20 0:51 / /gluster rw - fuse.glusterfs host:/volume rw
      24 20 0:52 / /ssh rw - fuse.sshfs host:/ rw
      25 20 0:53 / /share rw - cifs //host/share rw
      26 20 43:0 / /nbd rw - ext4 /dev/nbd0 rw
    `),
  );
  assert.equal(asked, ['/']);
  assert.equal(space.figures.networkTypes, ['cifs', 'fuse.glusterfs', 'nfs4']);
  assert.is(space.partitionCount, 2);
  assert.is(space.isSizeComputationFailed, true, '/nfs/disk is counted, and cannot be measured');
});

test('a file system below a dead mount is measured where it is mounted elsewhere too', async () => {
  const { asked, isSizeComputationFailed } = await measured(
    machineWith(`
      21 20 0:50 / /nfs rw - nfs4 10.0.0.4:/export rw
      22 21 8:48 / /nfs/disk rw - ext4 /dev/sdd rw
      23 20 8:48 / /srv/long/way/disk rw - ext4 /dev/sdd rw
    `),
  );
  assert.equal(asked.toSorted(), ['/', '/srv/long/way/disk']);
  assert.is(isSizeComputationFailed, false);
});

test('memory that plays a disk stands apart; what nobody knows is told by its type', async () => {
  const { figures, partitionCount } = await measured(
    machineWith(`
      21 20 252:1 / /fast rw - ext4 /dev/zram1 rw
      22 20 0:60 / /tank rw - zfs tank rw
      23 20 0:61 / /container rw - overlay overlay rw,lowerdir=/a,upperdir=/b,workdir=/c
      24 20 0:62 / /run rw - tmpfs tmpfs rw
    `),
  );
  assert.is(partitionCount, 1);
  assert.is(figures.ramDisksBytes, 1_000);
  assert.equal(figures.unknownTypes, ['zfs']);
});

test('this machine', async () => {
  const space = await measureUsedSpace({}, thisMachine);
  assert.type(space.totalUsedSizeInBytes, 'number');
  assert.ok(space.totalUsedSizeInBytes >= 0);
});

test.run();
