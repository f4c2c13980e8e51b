import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { chainDirectory, LOG_FILE } from '../../bench/proof/chain-files.ts';
import type { Chain } from '../../bench/proof/order.ts';
import { encodeRecord } from '../../bench/proof/record.ts';
import {
  checkPlace,
  type PlaceFinding,
  type PlaceSnapshot,
} from '../../bench/proof/snapshot-check.ts';
import { type DiskSpec, type LabDisk, LabDisks } from '../../src/lab/disks.ts';
import { LAB_DIRECTORY } from '../../src/lab/lab-paths.ts';
import { thawCompletely } from '../../src/lab/loop-devices.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['xfs_repair', 'dumpe2fs'] });

const test = suite('the check of a snapshot');
const CHAIN: Chain = { number: 0, places: [0] };
const KINDS: readonly (readonly [string, DiskSpec])[] = [
  ['ext3', { type: 'ext3' }],
  ['ext4', { type: 'ext4' }],
  ['xfs', { type: 'xfs' }],
  ['btrfs', { type: 'btrfs' }],
  ['btrfs RAID0', { type: 'btrfs', devices: 2 }],
];

/** Adds record `k` to the log of the chain, durable. */
async function append(disk: LabDisk, k: number): Promise<void> {
  const directory = chainDirectory(disk.mountPoint, CHAIN.number);
  await runCommand('mkdir', ['-p', directory]);
  const log = join(directory, LOG_FILE);
  await writeFile(log, encodeRecord(CHAIN.number, k), { flag: 'a' });
  await runCommand('sync', [log]);
}

async function copyImages(disk: LabDisk): Promise<PlaceSnapshot> {
  const images: string[] = [];
  for (const { imagePath, deviceName } of [disk, ...disk.others]) {
    const image = join(LAB_DIRECTORY, `copy-of-${deviceName}`);
    await runCommand('cp', ['--sparse=auto', imagePath, image]);
    images.push(image);
  }
  return { place: 0, type: disk.type, images };
}

async function copyFrozen(disk: LabDisk): Promise<PlaceSnapshot> {
  await runCommand('fsfreeze', ['-f', disk.mountPoint]);
  try {
    return await copyImages(disk);
  } finally {
    await thawCompletely(disk.mountPoint);
  }
}

function check(snapshot: PlaceSnapshot): Promise<PlaceFinding> {
  return checkPlace(snapshot, [CHAIN], join(LAB_DIRECTORY, 'checked'));
}

async function overwrite(image: string, offset: number, length: number): Promise<void> {
  await using file = await open(image, 'r+');
  await file.write(Buffer.alloc(length, 0xff), 0, length, offset);
}

for (const [name, spec] of KINDS) {
  test(`${name}: a frozen copy is clean and shows its own content beside the live original`, async () => {
    await using disks = await LabDisks.create([spec]);
    const [disk] = disks.disks;
    assert.ok(disk);
    await append(disk, 1);
    const snapshot = await copyFrozen(disk);
    await append(disk, 2);
    const finding = await check(snapshot);
    assert.equal(finding.state, { kind: 'clean' });
    assert.equal(finding.observations[0]?.appended, [1]);
    assert.equal(finding.observations[0]?.damage, []);
  });

  test(`${name}: a copy taken without a freeze needs recovery and shows what was durable`, async () => {
    await using disks = await LabDisks.create([spec]);
    const [disk] = disks.disks;
    assert.ok(disk);
    await append(disk, 1);
    await append(disk, 2);
    const finding = await check(await copyImages(disk));
    assert.is(finding.state.kind, 'needs-recovery');
    assert.equal(finding.observations[0]?.appended, [1, 2]);
  });
}

const DAMAGE: readonly (readonly [DiskSpec['type'], number, number])[] = [
  // Group descriptors, the first free-space header, all between the first two superblocks.
  ['ext4', 4096, 4096],
  ['xfs', 512, 512],
  ['btrfs', 0x10_0000, 0x3e0_0000],
];
for (const [type, offset, length] of DAMAGE) {
  test(`${type}: a frozen copy with damaged metadata is found damaged`, async () => {
    await using disks = await LabDisks.create([{ type }]);
    const [disk] = disks.disks;
    assert.ok(disk);
    await append(disk, 1);
    const snapshot = await copyFrozen(disk);
    await overwrite(snapshot.images[0] ?? '', offset, length);
    assert.is((await check(snapshot)).state.kind, 'damaged');
  });
}

test.run();
