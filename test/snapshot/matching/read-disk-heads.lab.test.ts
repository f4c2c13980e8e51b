import { closeSync, openSync, readSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { LabDisks } from '../../../src/lab/disks.ts';
import { detachDevice, untilDetached } from '../../../src/lab/loop-devices.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { runCommand } from '../../../src/lab/run-command.ts';
import { identifyDisks, readDiskHeads } from '../../../src/snapshot/matching/read-disk-heads.ts';
import { SERVED_IMAGE, ServedImage } from '../../deadlock/served-image.ts';
import { suite } from '../../suite.ts';

await enterLab();

const test = suite('the first bytes of a real disk');

/** Until its last reader goes, such as a command of another lab, what holds the image cannot be unmounted. */
async function detach(device: string, imagePath: string): Promise<void> {
  await detachDevice(device);
  await untilDetached({ device, imagePath });
}

/** As a multipath device holds its paths open and writes past their cache. */
test('what was written past the cache of the disk is read', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const file = `${lab.disks[0]?.mountPoint}/image`;
  await runCommand('truncate', ['--size=8M', file]);
  const device = await runCommand('losetup', ['--find', '--show', file]);
  const cached = openSync(device, 'r');
  try {
    const head = Buffer.alloc(2 ** 20);
    readSync(cached, head, 0, head.length, 0);
    assert.equal(await identifyDisks([device]), [{ state: 'blank' }]);
    const uuid = '11111111-2222-3333-4444-555555555555';
    await runCommand('mkfs.ext4', ['-q', '-F', '-U', uuid, file]);
    assert.match(JSON.stringify(await identifyDisks([device])), uuid);
  } finally {
    closeSync(cached);
    await detach(device, file);
  }
});

test('a disk that is smaller than what is compared is read to its end', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const [disk] = lab.disks;
  const file = `${disk?.mountPoint}/small`;
  await runCommand('truncate', ['--size=12K', file]);
  const device = await runCommand('losetup', ['--find', '--show', file]);
  try {
    const [read] = await readDiskHeads([device], (head) => head.length);
    assert.equal(read, { ok: true, shown: 12 * 1024 });
  } finally {
    await detach(device, file);
  }
});

test('a disk whose read hangs in the kernel is reported, and those beside it are read', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  await using resources = new AsyncDisposableStack();
  await writeFile('/lab/content', 'x'.repeat(1_048_576));
  const served = resources.use(await ServedImage.create('/lab/content'));
  const silent = await runCommand('losetup', ['--find', '--show', SERVED_IMAGE]);
  resources.defer(() => detach(silent, SERVED_IMAGE));
  resources.use(served.stop());
  const good = lab.disks[0]?.device ?? '';
  const [hung, read] = await readDiskHeads([silent, good], (head) => head.length, 5_000);
  const reason = `${silent} did not answer within 5 s when its first bytes were read`;
  assert.equal(hung, { ok: false, reason, isSilent: true });
  assert.is(read?.ok, true);
});

test.run();
