import assert from 'node:assert/strict';
import { mkdtempDisposable, open, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attachImage, detachDevice } from '../../../src/lab/loop-devices.ts';
import { identifyDisk, readDiskHead } from '../../../src/snapshot/matching/read-disk-head.ts';
import { suite } from '../../suite.ts';
import { recordedHead } from './fixtures/heads.ts';

const test = suite('the first bytes of a real disk');

test('the disk is read, not what the kernel remembers of it while something holds it open', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flashfreeze-head-'));
  const image = join(directory.path, 'image');
  await writeFile(image, Buffer.alloc(0));
  await truncate(image, 2 ** 20);
  const device = await attachImage(image);
  try {
    // As an array holds its members, whose first bytes were read before it was made.
    await using holder = await open(device, 'r');
    await holder.read(Buffer.alloc(4096), 0, 4096, 0);
    assert.equal((await identifyDisk(device)).state, 'blank');
    const head = recordedHead('btrfs-1');
    await using below = await open(image, 'r+');
    await below.write(head, 0, head.length, 0);
    const { bytesRead, buffer } = await holder.read(Buffer.alloc(4096), 0, 4096, 0);
    assert.deepEqual(buffer.subarray(0, bytesRead), Buffer.alloc(4096), 'nothing is remembered');
    assert.deepEqual(await readDiskHead(device), { ok: true, head: Buffer.from(head) });
  } finally {
    await detachDevice(device);
  }
});

test.run();
