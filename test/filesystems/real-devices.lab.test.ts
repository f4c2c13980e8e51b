import { mkdir, open, readFile, unlink } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { FileSystem, Plan } from '../../src/filesystems/plan-types.ts';
import { readPlan } from '../../src/filesystems/read-plan.ts';
import { type LabDisk, LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';
import { suite } from '../suite.ts';

await enterLab();

const test = suite('real devices');
const ALL = { include: [], skip: [] };

function fileSystemAt({ fileSystems }: Plan, mountPoint: string | undefined): FileSystem {
  const found = fileSystems.find((each) => each.mountPoints.includes(mountPoint ?? ''));
  assert.ok(found, `${mountPoint} is in the plan`);
  return found as FileSystem;
}

const waveOf = ({ fileSystems, waves }: Plan, disk: LabDisk | undefined): number =>
  waves.findIndex((wave) =>
    wave.some((index) => fileSystems[index]?.mountPoint === disk?.mountPoint),
  );

test('ext4, xfs, btrfs on one and two devices and a partition lie on their loop devices', async () => {
  await using lab = await LabDisks.create([
    { type: 'ext4' },
    { type: 'xfs' },
    { type: 'btrfs' },
    { type: 'btrfs', devices: 2 },
    { type: 'ext4', layout: 'gpt' },
    { type: 'ext3' },
  ]);
  const plan = await readPlan(ALL);
  assert.is(plan.fileSystems.length, 6);
  assert.is(plan.waves.length, 1);
  assert.equal(plan.warnings, []);
  for (const disk of lab.disks) {
    const fileSystem = fileSystemAt(plan, disk.mountPoint);
    const devices = [disk, ...disk.others];
    assert.is(fileSystem.type, disk.type);
    assert.equal(fileSystem.disks, devices.map(({ deviceName }) => deviceName).sort());
    assert.is(fileSystem.imageOn, undefined);
    for (const { deviceName, device, sizeBytes } of devices) {
      const found = plan.disks.find(({ name }) => name === deviceName);
      assert.equal(found, {
        name: deviceName,
        path: device,
        sizeBytes,
        lun: undefined,
        role: undefined,
      });
    }
  }
});

test('the mount id is that of an opened descriptor, on each type', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }]);
  const plan = await readPlan(ALL);
  for (const { mountPoint } of lab.disks) {
    await using handle = await open(mountPoint);
    const info = await readFile(`/proc/self/fdinfo/${handle.fd}`, 'utf8');
    assert.match(info, new RegExp(`^mnt_id:\\s*${fileSystemAt(plan, mountPoint).mountId}$`, 'm'));
  }
});

test('binds, subvolumes, odd names and what lies under another mount', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }, { type: 'btrfs' }]);
  await using undo = new AsyncDisposableStack();
  const [ext4, btrfs] = lab.disks.map(({ mountPoint }) => mountPoint);
  const odd = '/lab/a b\nc\\d';
  const mount = async (point: string, ...args: readonly string[]): Promise<void> => {
    await mkdir(point, { recursive: true });
    await runCommand('mount', [...args, point]);
    undo.defer(() => unmount(point));
  };
  await runCommand('btrfs', ['subvolume', 'create', `${btrfs}/sub`]);
  await mount('/lab/sub', '-o', 'subvol=sub', lab.disks[1]?.device ?? '');
  await mount(odd, '--bind', ext4 ?? '');
  await mount('/lab/read-only', '-o', 'bind,ro', ext4 ?? '');
  await mount(ext4 ?? '', '-t', 'tmpfs', 'over');
  const plan = await readPlan(ALL);
  assert.is(plan.fileSystems.length, 2);
  assert.equal([...fileSystemAt(plan, odd).mountPoints].sort(), [odd, '/lab/read-only']);
  assert.equal([...fileSystemAt(plan, btrfs).mountPoints].sort(), [btrfs, '/lab/sub'].sort());
  const selected = await readPlan({ include: ['/lab/sub'], skip: [] });
  assert.equal(
    selected.fileSystems.map(({ mountPoint, type }) => [mountPoint, type]),
    [['/lab/sub', 'btrfs']],
  );
});

const CHAIN = [
  { type: 'ext4', sizeMb: 128 },
  { type: 'btrfs', sizeMb: 256 },
  { type: 'ext4', sizeMb: 64, imageOn: 0 },
  { type: 'ext4', sizeMb: 16, imageOn: 2, layout: 'gpt' },
  { type: 'ext4', sizeMb: 64, imageOn: 1 },
] as const;

test('images on ext4, on btrfs and in one another come first, on the disks below', async () => {
  await using lab = await LabDisks.create(CHAIN);
  const [root, btrfs, image, deep, onBtrfs] = lab.disks;
  const plan = await readPlan(ALL);
  assert.equal(plan.warnings, []);
  assert.equal(
    lab.disks.map((disk) => waveOf(plan, disk)),
    [2, 2, 1, 0, 1],
  );
  const deviceOf = (disk: LabDisk | undefined): string =>
    fileSystemAt(plan, disk?.mountPoint).device;
  for (const [inner, holder, disk] of [
    [image, root, root],
    [deep, image, root],
    [onBtrfs, btrfs, btrfs],
  ]) {
    const fileSystem = fileSystemAt(plan, inner?.mountPoint);
    assert.is(fileSystem.imageOn, deviceOf(holder));
    assert.equal(fileSystem.disks, [disk?.deviceName]);
  }
});

test('in the plan’s order all of them freeze, and backwards all of them thaw', async () => {
  await using lab = await LabDisks.create(CHAIN);
  const { fileSystems } = await readPlan(ALL);
  assert.is(fileSystems.length, lab.disks.length);
  const frozen: string[] = [];
  try {
    for (const { mountPoint } of fileSystems) {
      await runCommand('fsfreeze', ['--freeze', mountPoint]);
      frozen.push(mountPoint);
    }
  } finally {
    for (const mountPoint of frozen.reverse()) {
      await runCommand('fsfreeze', ['--unfreeze', mountPoint]);
    }
  }
});

test('an unlinked image still comes first, with a warning', async () => {
  await using lab = await LabDisks.create(CHAIN.slice(0, 3));
  const [root, , image] = lab.disks;
  await unlink(image?.imagePath ?? '');
  const plan = await readPlan(ALL);
  assert.ok(waveOf(plan, image) < waveOf(plan, root));
  const { disks } = fileSystemAt(plan, image?.mountPoint);
  assert.equal([...disks].sort(), [image?.deviceName, root?.deviceName].sort());
  assert.is(plan.warnings?.length, 1);
});

test.run();
