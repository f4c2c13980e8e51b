import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type DiskSpec, type LabDisk, LabDisks } from '../../src/lab/disks.ts';
import { listLoopDevices } from '../../src/lab/loop-devices.ts';
import { mountedFileSystems } from '../../src/lab/mounts.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';
import { blockedState } from './fixtures/blocked-state.ts';

await enterLab();

const test = suite('lab disks');

for (const type of ['ext3', 'ext4', 'xfs', 'btrfs'] as const) {
  test(`mounts ${type}, whose writers block while it is frozen`, async () => {
    await using made = await LabDisks.create([{ type }]);
    const disk = only(made);
    assert.equal(mountOf(disk)?.type, type);
    await assertWritersBlockWhileFrozen(disk);
  });
}

test('puts a file system on a partition of the disk', async () => {
  await using made = await LabDisks.create([{ type: 'ext4', layout: 'gpt' }]);
  const disk = only(made);
  assert.equal(disk.mounted, `${disk.device}p1`);
  assert.equal(mountOf(disk)?.source, `${disk.device}p1`);
  assert.match(await runCommand('sfdisk', ['--dump', disk.device]), /label: gpt/);
});

test('spreads a btrfs over two devices', async () => {
  await using made = await LabDisks.create([{ type: 'btrfs', devices: 2 }]);
  const disk = only(made);
  const shown = await runCommand('btrfs', ['filesystem', 'show', disk.mountPoint]);
  assert.match(shown, /Total devices 2/);
  assert.equal(disk.others.length, 1);
  await assertWritersBlockWhileFrozen(disk);
});

test('puts an image on another disk of the lab', async () => {
  await using made = await LabDisks.create([
    { type: 'xfs' },
    { type: 'ext4', sizeMb: 16, imageOn: 0 },
  ]);
  const [holder, inner] = made.disks;
  assert.ok(holder && inner);
  assert.equal(inner.imagePath, `${holder.mountPoint}/disk1.img`);
  assert.equal(statSync(inner.imagePath).dev, statSync(holder.mountPoint).dev);
});

test('waits until no other process reads the device of an image on another disk', async () => {
  const made = await LabDisks.create([{ type: 'ext4' }, { type: 'ext4', imageOn: 0 }]);
  const [holder, inner] = made.disks;
  assert.ok(holder && inner);
  const reader = await open(inner.device);
  const disposed = made[Symbol.asyncDispose]();
  while (mountOf(inner) !== undefined) {
    await delay(10);
  }
  // Without the wait the holder's umount ends with EBUSY meanwhile.
  await delay(500);
  assert.ok(mountOf(holder));
  await reader.close();
  await disposed;
  await assertGone([holder, inner]);
});

test('makes each disk of the size asked for', async () => {
  await using made = await LabDisks.create([{ type: 'ext4', sizeMb: 48 }]);
  const { device, sizeBytes } = only(made);
  assert.equal(sizeBytes, 48 * 2 ** 20);
  assert.equal(await runCommand('blockdev', ['--getsize64', device]), String(sizeBytes));
});

test('makes many disks side by side, each with a device of its own', async () => {
  const specs = Array.from({ length: 24 }, (): DiskSpec => ({ type: 'ext4', sizeMb: 16 }));
  await using made = await LabDisks.create(specs);
  assert.equal(new Set(made.disks.map(({ device }) => device)).size, 24);
  assert.equal(made.disks.filter((disk) => mountOf(disk) !== undefined).length, 24);
});

test('removes mounts, images and loop devices at its end, also where one is frozen', async () => {
  let disks: readonly LabDisk[] = [];
  {
    await using made = await LabDisks.create([{ type: 'ext4' }, { type: 'ext4', layout: 'gpt' }]);
    disks = made.disks;
    await runCommand('fsfreeze', ['--freeze', disks[0]?.mountPoint ?? '']);
  }
  assert.equal(disks.length, 2);
  await assertGone(disks);
});

test('leaves nothing if one of the disks cannot be made', async () => {
  const before = mountedFileSystems().length;
  await assert.rejects(
    LabDisks.create([{ type: 'ext4' }, { type: 'xfs', sizeMb: 8 }]),
    /mkfs\.xfs .* ended with 1/,
  );
  assert.equal(mountedFileSystems().length, before);
});

test('refuses more disks than it can hold and images on later disks', async () => {
  const many = Array.from({ length: 257 }, (): DiskSpec => ({ type: 'ext4' }));
  await assert.rejects(LabDisks.create(many), { code: 'FF_LAB_UNAVAILABLE' });
  await assert.rejects(LabDisks.create([{ type: 'ext4', imageOn: 0 }]), /earlier disk/);
});

function only({ disks }: LabDisks): LabDisk {
  const [disk] = disks;
  assert.ok(disk);
  return disk;
}

function mountOf({ mountPoint }: LabDisk) {
  return mountedFileSystems().find((mounted) => mounted.mountPoint === mountPoint);
}

async function assertWritersBlockWhileFrozen({ mountPoint }: LabDisk): Promise<void> {
  const file = `${mountPoint}/written-while-frozen`;
  await runCommand('fsfreeze', ['--freeze', mountPoint]);
  const writer = spawn('sh', ['-c', ': >"$1"', 'sh', file], { stdio: 'ignore' });
  const exited = once(writer, 'exit');
  await blockedState(writer.pid ?? 0);
  assert.equal(existsSync(file), false);
  await runCommand('fsfreeze', ['--unfreeze', mountPoint]);
  assert.deepEqual(await exited, [0, null]);
  assert.equal(existsSync(file), true);
}

const GONE_WITHIN_MS = 60_000;

/** A device is detached when its last reader goes, which may be a command of another lab that looks at all disks. */
async function assertGone(disks: readonly LabDisk[]): Promise<void> {
  const deadline = Date.now() + GONE_WITHIN_MS;
  while ((await remains(disks)).length > 0 && Date.now() < deadline) {
    await delay(20);
  }
  assert.deepEqual(await remains(disks), []);
}

async function remains(disks: readonly LabDisk[]): Promise<string[]> {
  const loops = await listLoopDevices();
  const lab = String(statSync('/lab').dev);
  return [
    ...disks.filter((disk) => mountOf(disk) !== undefined).map(({ mountPoint }) => mountPoint),
    ...disks.filter(({ imagePath }) => existsSync(imagePath)).map(({ imagePath }) => imagePath),
    ...loops.filter(({ imageOn }) => imageOn === `0:${lab}`).map(({ name }) => name),
  ];
}

test.run();
