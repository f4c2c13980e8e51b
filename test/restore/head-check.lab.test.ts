import assert from 'node:assert/strict';
import { copyFile, open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DiskSpec, type LabDisk, LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { readHeads } from '../../src/restore/head-check.ts';
import type { DiskHeads, Head } from '../../src/restore/head-types.ts';
import { suite } from '../suite.ts';

await enterLab();

const test = suite('heads of disk images');

async function headsOf(path: string): Promise<DiskHeads> {
  await using image = await open(path);
  const { size } = await stat(path);
  return await readHeads(async (offset, length) => {
    const { buffer, bytesRead } = await image.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  }, size);
}

async function headOf(path: string): Promise<Head> {
  const { heads } = await headsOf(path);
  const [head] = heads;
  assert.ok(head !== undefined && heads.length === 1, `${heads.length} heads`);
  return head;
}

/** Makes changes that are in the journal or log, and not all in their places. */
async function change(disk: LabDisk, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await using file = await open(join(disk.mountPoint, `file${index}`), 'w');
    await file.writeFile(Buffer.alloc(5_000, index));
    await file.sync();
  }
}

async function copyOf(disk: LabDisk, name: string): Promise<string> {
  const copy = `/lab/${name}-${disk.type}-${Math.random().toString(36).slice(2)}.img`;
  await copyFile(disk.imagePath, copy);
  return copy;
}

const SPECS: readonly DiskSpec[] = (['ext3', 'ext4', 'xfs', 'btrfs'] as const).flatMap((type) => [
  { type },
  { type, layout: 'gpt' },
]);

for (const spec of SPECS) {
  const label = `${spec.type}, ${spec.layout ?? 'bare'}`;
  test(`calls a frozen ${label} clean, and a live one in need of recovery`, async () => {
    await using made = await LabDisks.create([spec]);
    const [disk] = made.disks;
    assert.ok(disk);
    await change(disk, 40);
    await runCommand('fsfreeze', ['--freeze', disk.mountPoint]);
    const frozen = await copyOf(disk, 'frozen').finally(() =>
      runCommand('fsfreeze', ['--unfreeze', disk.mountPoint]),
    );
    const head = await headOf(frozen);
    assert.equal(head.state, 'clean', head.detail);
    assert.equal(head.kind, spec.type.replace(/\d$/, ''));
    assert.equal(
      head.uuid,
      await runCommand('blkid', ['-p', '-s', 'UUID', '-o', 'value', disk.mounted]),
    );
    await change(disk, 20);
    const live = await headOf(await copyOf(disk, 'live'));
    assert.equal(live.state, 'needsRecovery', live.detail);
    await truncate(frozen, disk.sizeBytes - 2 ** 22);
    assert.equal((await headOf(frozen)).state, 'damaged');
  });

  test(`calls an unmounted ${label} clean`, async () => {
    await using made = await LabDisks.create([spec]);
    const [disk] = made.disks;
    assert.ok(disk);
    await change(disk, 40);
    const kept = `/lab/unmounted-${Math.random().toString(36).slice(2)}.img`;
    await runCommand('ln', [disk.imagePath, kept]);
    await runCommand('umount', [disk.mountPoint]);
    const head = await headOf(kept);
    assert.equal(head.state, 'clean', head.detail);
  });
}

for (const type of ['ext4', 'xfs', 'btrfs'] as const) {
  test(`judges a ${type} with any damage in its head without throwing`, async () => {
    await using made = await LabDisks.create([{ type, layout: 'gpt' }]);
    const [disk] = made.disks;
    assert.ok(disk);
    const image = await readFile(disk.imagePath);
    const start = 2 ** 20;
    const spots = [450, 512, 1024, start, start + 64, start + 1024, start + 65_536];
    for (let round = 0; round < 400; round += 1) {
      const damaged = Buffer.from(image.subarray(0, start + 2 * 65_536));
      const at = (spots[round % spots.length] ?? 0) + ((round * 37) % 300);
      damaged.writeUInt32LE((round * 2_654_435_761) % 2 ** 32, at);
      const bytes = (offset: number, length: number): Buffer =>
        offset + length <= damaged.length
          ? damaged.subarray(offset, offset + length)
          : image.subarray(offset, offset + length);
      const { heads } = await readHeads(
        (offset, length) => Promise.resolve(bytes(offset, length)),
        image.length,
      );
      assert.ok(heads.every(({ detail }) => detail !== ''));
    }
  });
}

test('does not take garbage or zeroes for a file system', async () => {
  await writeFile('/lab/garbage.img', Buffer.alloc(2 ** 20, 'garbage'));
  await writeFile('/lab/zeroes.img', Buffer.alloc(2 ** 20));
  const kinds = await Promise.all(['/lab/garbage.img', '/lab/zeroes.img'].map(headOf));
  assert.deepEqual(
    kinds.map(({ kind, state }) => [kind, state]),
    [
      ['unknown', 'notLookedInto'],
      ['blank', 'notLookedInto'],
    ],
  );
});

test.run();
