import * as assert from 'uvu/assert';
import { scheduleInput } from '../../src/backup/schedule/topology.ts';
import { describeGap } from '../../src/backup/whole-set/describe-gap.ts';
import { gapsOf } from '../../src/backup/whole-set/find-gaps.ts';
import type { Plan } from '../../src/filesystems/plan-types.ts';
import { readPlan } from '../../src/filesystems/read-plan.ts';
import { suite } from '../suite.ts';
import { Machine, OS_CONTROLLER } from './machine.ts';
import { RecordedProcesses } from './relations/recorded-processes.ts';

const test = suite('storage that is not frozen, or not seen');

/** An Azure VM with an OS disk sda and data disks sdc (LUN 0) and sdd (LUN 1). */
function machine(): Machine {
  return new Machine()
    .scsi({
      name: 'sda',
      number: '8:0',
      gib: 30,
      controller: OS_CONTROLLER,
      address: '0:0:0:0',
      partitions: { sda1: '8:1', sda2: '8:2' },
    })
    .mounts('22 1 8:1 / / rw - ext4 /dev/sda1 rw')
    .dataDisks('sdc', 'sdd');
}

const planOf = (it: Machine, skip: readonly string[] = []): Promise<Plan> =>
  readPlan({ include: [], skip }, it.build());
const left = ({ excluded }: Plan) =>
  excluded.map(({ mountPoint, reason, disks, isWritable }) => [
    ...[mountPoint, reason, disks.join('+'), isWritable],
  ]);

test('what is left out says on which disks it lies, and whether it can be written to', async () => {
  const plan = await planOf(
    machine().mounts(`
      40 22 8:32 / /a rw - ext4 /dev/sdc rw
      41 22 8:48 / /b ro - xfs /dev/sdd ro`),
    ['/a'],
  );
  assert.equal(left(plan), [
    ['/a', 'skipped', 'sdc', true],
    ['/b', 'read-only', 'sdd', false],
  ]);
});

test('every local, writable file system that cannot be frozen is warned of, and no other', async () => {
  const plan = await planOf(
    machine().mounts(`
      40 22 8:2 / /efi rw - vfat /dev/sda2 rw
      41 22 8:32 / /ntfs3 rw - ntfs3 /dev/sdc rw
      47 22 8:48 / /ntfs rw - fuseblk /dev/sdd rw,user_id=0
      42 22 0:55 / /pool rw - zfs pool rw
      43 22 0:56 / /cache rw - bcachefs /dev/sdd rw
      44 22 0:57 / /nfs rw - nfs4 host:/ rw
      45 22 0:58 / /run rw - tmpfs tmpfs rw
      46 22 0:59 / /merged rw - overlay overlay rw`),
  );
  assert.equal(
    (plan.warnings ?? []).map((warning) => warning.replace(/ cannot be frozen: .*/, '')),
    [
      ...['/efi (vfat)', '/ntfs3 (ntfs3)', '/ntfs (fuseblk)'],
      ...['/pool (zfs)', '/cache (bcachefs)'],
    ],
  );
});

for (const option of ['logdev', 'rtdev']) {
  test(`a device of ${option}= that cannot be found is a disk of its own, not none`, async () => {
    const gone = '/dev/disk/by-id/gone';
    const plan = await planOf(
      machine().mounts(`40 22 8:32 / /data rw - xfs /dev/sdc rw,attr2,${option}=${gone},noquota`),
    );
    const data = plan.fileSystems.find(({ mountPoint }) => mountPoint === '/data');
    assert.equal(data?.disks, [gone, 'sdc']);
    const disk = plan.disks.find(({ name }) => name === gone);
    assert.equal([disk?.path, disk?.isElsewhere], [gone, true]);
  });
}

test('a file system on a ZFS volume awaits every answer: its content may be on any disk', async () => {
  const plan = await planOf(
    machine()
      .virtual({ name: 'zd0', number: '230:0', gib: 5 })
      .mounts('40 22 230:0 / /z rw - ext4 /dev/zd0 rw'),
  );
  const input = scheduleInput(plan, ['sda', 'sdc'], { fire: 'early', sequential: false });
  const awaits = plan.fileSystems.map(({ mountPoint }, index) => [
    mountPoint,
    input.fileSystems[index]?.awaits,
  ]);
  assert.equal(awaits, [
    ['/z', [0, 1]],
    ['/', [0]],
  ]);
});

test('a file system in an image that has no name here awaits every answer, too', async () => {
  const plan = await planOf(
    machine()
      .loop({ name: 'loop0', number: '7:0', image: '/inner.img', isWritable: true })
      .mounts('40 22 7:0 / /inner rw - ext4 /dev/loop0 rw'),
  );
  assert.is(plan.disks.find(({ name }) => name === 'loop0')?.isElsewhere, true);
});

test('a btrfs whose source leads nowhere (/dev/root) lies on the devices that no other btrfs claims', async () => {
  const lost = `
      30 1 0:28 / /var rw - btrfs /dev/root rw,subvol=/@
      31 22 0:28 /@home /home rw - btrfs /dev/root rw,subvol=/@home
      32 22 0:40 / /other rw - btrfs /dev/sdd rw`;
  const made = (): Machine =>
    machine().btrfs('11111111-0000-4000-8000-000000000001', 'sdc').btrfs('22', 'sdd').mounts(lost);
  const disksOf = ({ fileSystems }: Plan) =>
    fileSystems.map(({ mountPoint, disks }) => `${mountPoint} on ${disks.join('+')}`).sort();
  assert.equal(disksOf(await planOf(made())), ['/ on sda', '/other on sdd', '/var on sdc']);
  // A second one of another mount namespace: it is not known which is which.
  const two = await planOf(made().btrfs('33', 'sda2'));
  assert.equal(disksOf(two), ['/ on sda', '/other on sdd']);
  assert.equal(
    two.excluded.map(({ mountPoint, reason }) => [mountPoint, reason]),
    [['/var', 'no-block-device']],
  );
});

/** A container that has mounted a pool in an image, as LXD does. */
function withPool(image: string): RecordedProcesses {
  const lines = ['22 1 8:1 / / rw - ext4 /dev/sda1 rw'];
  const init = { command: 'systemd', descriptors: {}, mountinfo: lines.join('\n') };
  const pool = `31 22 0:60 / ${image}.d rw - btrfs /dev/loop5 rw`;
  const mountinfo = [...lines, pool].join('\n');
  const lxd = { command: 'lxd', descriptors: {}, namespace: 'mnt:[2]', mountinfo };
  return new RecordedProcesses({ self: init, 1: init, 70: lxd });
}

const gapsIn = (plan: Plan, ...disks: string[]): string[] =>
  gapsOf(
    plan,
    disks.map((disk) => ({ name: disk, behind: { kind: 'disk', disk } })),
    { isPartial: true, includedLuns: undefined, toleratesForeign: false },
  ).map(describeGap);

test('what only another mount namespace mounts lies on the disk under its image, too', async () => {
  const image = '/var/lxd/default.img';
  const made = (): Machine =>
    machine().loop({ name: 'loop5', number: '7:5', image, isWritable: true }).btrfs('55', 'loop5');
  const read = (it: Machine): Promise<Plan> =>
    readPlan({ include: [], skip: [] }, it.build(), withPool(image));
  // Its path leads nowhere here, or to another file: then it may be on any disk.
  for (const it of [made(), made().file(image, '8:1', { bytes: 4096 })]) {
    const hidden = await read(it);
    assert.equal(
      hidden.excluded.map(({ disks, elsewhere }) => [disks, elsewhere]),
      [[['loop5'], ['loop5']]],
    );
    const [gap] = gapsIn(hidden, 'sda');
    assert.match(gap ?? '', /^An unknown disk carries \/var\/lxd\/default.img.d/);
  }
  const shown = await read(made().file(image, '8:1', { gib: 1 }));
  assert.equal(
    shown.excluded.map(({ disks, elsewhere }) => [disks, elsewhere]),
    [[['loop5', 'sda'], undefined]],
  );
  const [gap] = gapsIn(shown, 'sda');
  assert.match(gap ?? '', /^\/dev\/sda carries \/var\/lxd\/default.img.d \(btrfs\)/);
  assert.not.match(gapsIn(shown, 'sdc').join(), 'carries');
});

test('what is left out on a ZFS volume, or in an image without a name here, may lie on any disk', async () => {
  const zvol = machine()
    .virtual({ name: 'zd0', number: '230:0', gib: 5 })
    .mounts('40 22 230:0 / /z rw - ext4 /dev/zd0 rw');
  const unlinked = machine()
    .loop({ name: 'loop0', number: '7:0', image: '/gone.img (deleted)', isWritable: true })
    .mounts('40 22 7:0 / /z rw - ext4 /dev/loop0 rw');
  for (const it of [zvol, unlinked]) {
    const plan = await planOf(it, ['/z']);
    assert.match(gapsIn(plan, 'sda').join(), /^An unknown disk carries \/z \(ext4\)/);
  }
  const network = machine()
    .virtual({ name: 'nbd0', number: '43:0', gib: 5 })
    .mounts('40 22 43:0 / /z rw - ext4 /dev/nbd0 rw');
  assert.equal(gapsIn(await planOf(network, ['/z']), 'sda'), []);
});

test('if the mounts of other namespaces cannot be read in time, the plan says so', async () => {
  const view = withPool('/x.img');
  const read = view.read.bind(view);
  view.read = (file) => (file === '/proc/70/mountinfo' ? new Promise(() => {}) : read(file));
  const plan = await readPlan({ include: [], skip: [] }, machine().build(), view, 20);
  assert.is(plan.missesNamespaces, true);
  assert.match(plan.warnings?.join() ?? '', /not time enough to look at the mounts/);
  assert.match(gapsIn(plan, 'sda').join(), /^There was not time enough/);
});

test('f2fs is frozen', async () => {
  const plan = await planOf(machine().mounts('40 22 8:32 / /f2fs rw - f2fs /dev/sdc rw'));
  assert.equal(plan.fileSystems.map(({ mountPoint }) => mountPoint).sort(), ['/', '/f2fs']);
});

test('a loop device that is left out can still be behind a blob; a foreign or read-only image cannot', async () => {
  const made = machine()
    .loop({ name: 'loop0', number: '7:0', image: '/a.img', isWritable: true })
    .file('/a.img', '8:1', { gib: 1 })
    .loop({ name: 'loop1', number: '7:1', image: '/b.img' })
    .file('/b.img', '8:1', { gib: 1 })
    .loop({ name: 'loop2', number: '7:2', image: '/nfs/c.img', isWritable: true })
    .mounts('40 22 0:57 / /nfs rw - nfs4 host:/ rw');
  const { otherDisks = [] } = await planOf(made);
  assert.equal(
    otherDisks.map(({ name }) => name),
    ['loop0', 'sdc', 'sdd'],
  );
});

test('the paths to a disk are one disk, and all of them are known', async () => {
  const plan = await planOf(
    machine()
      .stacked({ name: 'dm-0', number: '253:0', gib: 10, on: ['sdd', 'sdc'], dmUuid: 'mpath-36' })
      .mounts('40 22 253:0 / /m rw - xfs /dev/mapper/mpatha rw'),
  );
  const disks = [...plan.disks, ...(plan.otherDisks ?? [])];
  assert.equal(
    disks.map(({ name, paths }) => [name, paths]),
    [
      ['sda', undefined],
      ['sdc', ['sdc', 'sdd']],
    ],
  );
});

test('a partition that the machine swaps to is known with its disk', async () => {
  const plan = await planOf(
    machine().swaps('/dev/sda2 partition 1048572 0 -2', '/swapfile file 1048572 0 -3'),
  );
  assert.equal(plan.disks.find(({ name }) => name === 'sda')?.swaps, ['sda2']);
});

test.run();
