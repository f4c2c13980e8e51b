import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { Lab, listManagedBack, mixedDisks } from '../../src/lab/lab.ts';
import { listLoopDevices } from '../../src/lab/loop-devices.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { suite } from '../suite.ts';

await enterLab();

const test = suite('the lab as a VM with managed disks');
const GONE_WITHIN_MS = 60_000;
const QUICK = { durationMs: 20, retryAfterSeconds: undefined } as const;

test('lists every snapshot back from the resource manager, page by page', async () => {
  await using lab = await Lab.create({
    ...{ disks: mixedDisks(3), blobs: 'none', writers: true },
    vm: { operation: QUICK, pageSize: 2 },
  });
  const { exitCode, stdout, stderr } = await flashfreeze(['snapshot', '--managed', '--json']);
  assert.is(exitCode, 0, `${stdout}${stderr}`);
  const taken = await lab.parts.vm?.managed.snapshots();
  const rows = await listManagedBack(lab);
  assert.equal(
    rows.map(({ disk, lun, snapshots }) => [disk, lun, snapshots.map(({ id }) => id)]),
    ['disk0', 'disk1', 'disk2'].map((name, index) => [
      ...[name, index - 1],
      taken?.filter(({ disk }) => disk === name).map(({ id }) => id),
    ]),
  );
  assert.equal(
    rows.map(({ snapshots }) => snapshots[0]?.tags['flashfreeze-disk']),
    ['1 of 3', '2 of 3', '3 of 3'],
  );
  assert.ok(rows.every(({ writes, longestStallMs }) => writes > 0 && longestStallMs > 0));
});

test('a disk without a snapshot is listed without one', async () => {
  await using lab = await Lab.create({
    ...{ disks: mixedDisks(2), blobs: 'none', writers: false },
    vm: { operation: QUICK },
  });
  await flashfreeze(['snapshot', '--managed', '--include-lun', '0']);
  const rows = await listManagedBack(lab);
  assert.equal(
    rows.map(({ snapshots }) => snapshots.length),
    [0, 1],
  );
});

test('the demonstration snapshots every disk, lists all of it, and leaves nothing', async () => {
  const left = async (): Promise<readonly string[]> => [
    readFileSync('/proc/self/mounts', 'utf8'),
    ...(await listLoopDevices())
      .filter(({ imageOn }) => imageOn === ownNumber())
      .map(({ name }) => name),
  ];
  const before = await left();
  const { exitCode, stdout, stderr } = await flashfreeze(['lab', '--managed', '--disks', '4']);
  assert.is(exitCode, 0, `${stdout}${stderr}`);
  assert.match(stdout, '✓ fileSystemConsistent: 4 of 4 snapshots');
  for (const [index, lun] of ['os', '0', '1', '2'].entries()) {
    const name = `lab-vm-disk${index}-${lun === 'os' ? lun : `lun${lun}`}-\\S+`;
    assert.match(
      stdout,
      new RegExp(`^disk${index} +${lun} +${name} +\\d{4}-\\S+ +${index + 1} of 4 `, 'm'),
    );
  }
  assert.match(stdout, '4 snapshots of 4 disks listed back from the resource manager');
  const deadline = Date.now() + GONE_WITHIN_MS;
  // A device is detached when its last reader goes, which may be a command of another lab.
  while ((await left()).length > before.length && Date.now() < deadline) {
    await delay(20);
  }
  assert.equal(await left(), before);
});

/** Of the lab's own tmpfs, `major:minor`: other labs have loop devices too. */
function ownNumber(): string | undefined {
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((it) => it.split(' ')[4] === '/lab');
  return line?.split(' ')[2];
}

test.run();
