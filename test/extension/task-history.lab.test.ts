/** What is recorded of tasks on a disk that takes no more, or loses its power. */
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { memoryOf } from '../../src/extension/memory-records.ts';
import {
  beginTask,
  finishTask,
  readHandled,
  recordHandled,
} from '../../src/extension/task-history.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { mountAnew } from '../lab/mount-anew.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 300 });

const test = suite('what was handled, on a disk that takes no more');
/** FS_IOC_SHUTDOWN without a flush of the log: what was not synced is lost, as by a power cut. */
const CUT_POWER = `import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))`;
let directories = 0;

/** A directory of the extension on a file system of its own. */
async function directory(): Promise<string> {
  directories += 1;
  const path = `/lab/Some.Publisher.SnapshotLinux-1.0.0.${directories}`;
  await mkdir(path);
  await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path]);
  return path;
}

const mount = (path: string, how: 'ro' | 'rw'): Promise<unknown> =>
  runCommand('mount', ['-o', `remount,${how}`, path]);

async function run(path: string, sequenceNumber: number): Promise<void> {
  await beginTask(path, sequenceNumber);
  await recordHandled(path, { sequenceNumber, taskId: `task-${sequenceNumber}` }, undefined);
}

async function told(path: string): Promise<[number | undefined, boolean]> {
  const { sequenceNumber, isFinished } = await readHandled(path, undefined);
  return [sequenceNumber, isFinished];
}

test('a note in memory of an earlier task says nothing of one that is on the disk', async () => {
  const path = await directory();
  await mkdir(memoryOf(path), { recursive: true });
  await writeFile(join(memoryOf(path), 'unfinished'), '6');
  await run(path, 7);
  assert.equal(await told(path), [7, false]);
  await finishTask(path, 7);
  assert.equal(await told(path), [7, true]);
});

test('a note on the disk of an earlier task says nothing of one that is in memory', async () => {
  const path = await directory();
  await run(path, 6);
  await mount(path, 'ro');
  await run(path, 7);
  assert.equal(await told(path), [7, false]);
  await finishTask(path, 7);
  assert.equal(await told(path), [7, true]);
  await mount(path, 'rw');
  await run(path, 8);
  assert.equal(await told(path), [8, false]);
  await finishTask(path, 8);
  assert.equal(await told(path), [8, true]);
});

test('a task that ends on a disk that was mounted read-only meanwhile is finished, until its number comes again', async () => {
  const path = await directory();
  await run(path, 7);
  await mount(path, 'ro');
  await finishTask(path, 7);
  assert.equal(await told(path), [7, true]);
  await mount(path, 'rw');
  await run(path, 7);
  assert.equal(await told(path), [7, false]);
});

for (const type of ['ext4', 'xfs'] as const) {
  test(`a task that was told before a power cut is finished after it, on ${type}`, async () => {
    await using lab = await LabDisks.create([{ type }]);
    const [{ mounted, mountPoint } = { mounted: '', mountPoint: '' }] = lab.disks;
    const path = join(mountPoint, 'Some.Publisher.SnapshotLinux-1.0.1.0');
    await mkdir(path);
    await run(path, 7);
    assert.equal(await told(path), [7, false]);
    await finishTask(path, 7);
    const { status, stderr } = spawnSync('python3', ['-c', CUT_POWER, mountPoint]);
    assert.is(status, 0, String(stderr));
    await mountAnew({ mounted, mountPoint });
    assert.equal(await told(path), [7, true]);
  });
}

test.run();
