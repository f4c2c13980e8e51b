import { readFile, rm } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { enterLab } from '../../src/lab/namespace.ts';
import { RUN_FOLDER } from '../../src/report/run-folder.ts';
import { restoreReportSchema } from '../../src/report/schemas/restore-report.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { COMPUTE_VERSION, Rig } from '../lab/managed/fixtures/rig.ts';
import { ManagedScene } from '../snapshot/managed/fixtures/scene.ts';
import { suite } from '../suite.ts';
import { listed, pruned } from './fixtures/managed-commands.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('restore points of VMs, listed, pruned and restored');

async function collection(rig: Rig, name: string): Promise<void> {
  const { location } = rig.lab.vm;
  const source = { id: rig.lab.resourceId('virtualMachines/lab-vm') };
  const path = `${rig.lab.resourceId(`restorePointCollections/${name}`)}?${COMPUTE_VERSION}`;
  const { status } = await rig.arm('PUT', path, { location, properties: { source } });
  assert.ok(status < 300);
}

async function point(rig: Rig, collectionName: string, name: string): Promise<void> {
  const id = rig.lab.resourceId(`restorePointCollections/${collectionName}/restorePoints/${name}`);
  const body = { properties: { consistencyMode: 'CrashConsistent' } };
  await rig.end(await rig.arm('PUT', `${id}?${COMPUTE_VERSION}`, body));
}

async function pointNames(rig: Rig): Promise<string[]> {
  const all = (await rig.lab.snapshots()).map(({ restorePoint }) => restorePoint ?? '');
  return [...new Set(all)].sort();
}

const [FIRST, SECOND] = ['vm-20261127T060000Z-0000aaaa', 'vm-20261128T060000Z-0000bbbb'];

/** Two points that flashfreeze made, in two collections, and one of another tool. */
async function points(): Promise<Rig> {
  const rig = await Rig.start({ at: 'lab', limits: 'none', pageSize: 1 }, [{}, {}]);
  for (const name of ['daily', 'weekly']) {
    await collection(rig, name);
  }
  await point(rig, 'daily', FIRST);
  await point(rig, 'weekly', SECOND);
  await point(rig, 'daily', 'AzureBackup_1');
  return rig;
}

test('list shows those that flashfreeze made; prune deletes them whole', async () => {
  await using rig = await points();
  const all = (await listed()).restorePoints ?? [];
  assert.equal(
    all.map(({ id, worth, host, count, present }) => [id, worth, host, count, present]),
    [
      [SECOND, 'notRecorded', 'lab-vm', 2, 2],
      [FIRST, 'notRecorded', 'lab-vm', 2, 2],
    ],
  );
  const single = (await listed('--disks')).snapshots ?? [];
  assert.equal(new Set(single.map(({ restorePoint }) => restorePoint)), new Set([FIRST, SECOND]));
  const careful = await pruned('--keep-last', '1', '--delete');
  assert.is(careful.exitCode, 0, careful.stderr);
  assert.is((await pointNames(rig)).length, 3);
  await rig.lab.deny('Microsoft.Compute/restorePointCollections/restorePoints/delete');
  const refused = await pruned('--keep-last', '1', '--accept-unrecorded', '--delete');
  assert.is(refused.exitCode, 1, refused.stdout);
  assert.match(
    refused.stdout,
    'lacks Microsoft.Compute/restorePointCollections/restorePoints/delete',
  );
  await rig.lab.setGrants([{ actions: ['*'], scope: '' }]);
  const real = await pruned('--keep-last', '1', '--accept-unrecorded', '--delete');
  assert.is(real.exitCode, 0, real.stdout);
  assert.is(real.report.restorePoints.find(({ id }) => id === FIRST)?.deletedSnapshots, 2);
  assert.equal(await pointNames(rig), ['AzureBackup_1', SECOND]);
  const deletions = (await rig.lab.requests()).filter(
    ({ call, status }) => call === 'delete-restore-point' && status === 202,
  );
  assert.is(deletions.length, 1);
});

test('without the right to read collections, snapshots are listed as before', async () => {
  await using rig = await points();
  const daily = rig.lab.resourceId('restorePointCollections/daily');
  await rig.lab.deny('Microsoft.Compute/restorePointCollections/read', daily);
  assert.equal(
    (await listed()).restorePoints?.map(({ id }) => id),
    [SECOND],
  );
  await rig.lab.deny('Microsoft.Compute/restorePointCollections/read');
  assert.equal((await listed()).restorePoints, []);
  const { stderr } = await flashfreeze(['restore', FIRST, '--managed']);
  assert.match(stderr, 'FF_RESTORE_POINT_NOT_FOUND');
  assert.match(stderr, 'lacks Microsoft.Compute/restorePointCollections/read');
});

test('a run makes one, and its disks are restored from it', async () => {
  await using scene = await ManagedScene.create([{ type: 'ext4' }, { type: 'xfs' }], {
    operation: { durationMs: 20, retryAfterSeconds: 0 },
  });
  const taken = await flashfreeze(['snapshot', '--managed', '--restore-point', 'daily', '--quiet']);
  assert.is(taken.exitCode, 0, taken.stderr);
  const [found] = (await listed()).restorePoints ?? [];
  assert.is(found?.worth, 'complete');
  const id = found?.id ?? '';
  const args = ['restore', id, '--managed', '--prefix', 'drill-', '--create', '--json'];
  const ended = await flashfreeze(args);
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  const { disks } = v.parse(restoreReportSchema, JSON.parse(ended.stdout));
  assert.equal(
    disks.map(({ name, state }) => `${name} ${state}`),
    ['drill-os created', 'drill-lun0 created'],
  );
  const made = await scene.lab.madeDisks();
  assert.is(JSON.parse(made[0]?.body ?? '').properties.creationData.createOption, 'Restore');
  const pictures = await scene.lab.snapshots();
  // They are made at once, in any order.
  for (const [name, disk] of [
    ['drill-os', 'disk0'],
    ['drill-lun0', 'disk1'],
  ] as const) {
    const imagePath = made.find((it) => it.name === name)?.imagePath ?? '';
    const picture = pictures.find((it) => it.disk === disk)?.imagePath ?? '';
    assert.ok((await readFile(imagePath)).equals(await readFile(picture)), disk);
  }
  const again = await flashfreeze(args);
  assert.match(again.stdout, '"existed"');
  const verified = await flashfreeze(['snapshots', 'verify', '--managed', '--deep', id]);
  assert.is(verified.exitCode, 1);
  assert.match(verified.stdout, 'it is part of a restore point of the VM');
  await rm(RUN_FOLDER, { recursive: true });
  assert.is((await listed()).restorePoints?.[0]?.worth, 'notRecorded');
  const refused = await flashfreeze(['restore', id, '--managed']);
  assert.match(refused.stderr, '--accept notRecorded');
  assert.equal(await scene.lab.violations(), []);
});

test.run();
