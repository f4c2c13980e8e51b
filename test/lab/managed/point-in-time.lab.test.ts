import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type LabDisk, LabDisks } from '../../../src/lab/disks.ts';
import type { PointInTime } from '../../../src/lab/managed/model.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { runCommand } from '../../../src/lab/run-command.ts';
import { suite } from '../../suite.ts';
import { Rig } from './fixtures/rig.ts';

await enterLab();

const test = suite('the point in time of managed snapshots of frozen file systems');

/** In place: what is synced is in the file's own blocks, without a journal to be replayed. */
function write({ mountPoint }: LabDisk, content: string): void {
  const descriptor = openSync(join(mountPoint, 'file'), 'r+');
  writeSync(descriptor, content);
  fsyncSync(descriptor);
  closeSync(descriptor);
}

/** Content of the file in a snapshot, read off the image itself. */
async function read(rig: Rig): Promise<string> {
  const taken = (await rig.lab.snapshots()).at(-1);
  return await runCommand('debugfs', ['-R', 'cat /file', taken?.imagePath ?? '']);
}

async function snapshotOf(
  rig: Rig,
  disk: LabDisk,
  pointInTime: PointInTime,
  thawAt: 'accepted' | 'succeeded',
): Promise<string> {
  await rig.lab.setOperation({ pointInTime, durationMs: 50, inProgress: 1, retryAfterSeconds: 0 });
  write(disk, 'before');
  await runCommand('fsfreeze', ['--freeze', disk.mountPoint]);
  const accepted = await rig.put(`${pointInTime}-${thawAt}`, 'disk0');
  if (thawAt === 'accepted') {
    await runCommand('fsfreeze', ['--unfreeze', disk.mountPoint]);
    write(disk, 'behind');
  }
  await rig.end(accepted);
  if (thawAt === 'succeeded') {
    await runCommand('fsfreeze', ['--unfreeze', disk.mountPoint]);
    write(disk, 'behind');
  }
  return await read(rig);
}

test('frozen until Succeeded, every moment holds the same; thawed at the 202, the end does not', async () => {
  await using disks = await LabDisks.create([{ type: 'ext4' }]);
  const [disk] = disks.disks;
  assert.ok(disk);
  await writeFile(join(disk.mountPoint, 'file'), '------');
  await using rig = await Rig.start({ at: 'lab' }, [{ imagePath: disk.imagePath }]);
  for (const pointInTime of ['arrival', 'between', 'random', 'end'] as const) {
    assert.is(await snapshotOf(rig, disk, pointInTime, 'succeeded'), 'before', pointInTime);
  }
  assert.is(await snapshotOf(rig, disk, 'arrival', 'accepted'), 'before');
  assert.is(await snapshotOf(rig, disk, 'end', 'accepted'), 'behind');
});

test.run();
