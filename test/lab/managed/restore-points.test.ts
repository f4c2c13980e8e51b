import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { ManagedDisk } from '../../../src/lab/managed/model.ts';
import { suite } from '../../suite.ts';
import { at, COMPUTE_VERSION, type Reply, Rig } from './fixtures/rig.ts';

const test = suite('restore points of the lab');

const OS_AND_DATA: readonly Partial<ManagedDisk>[] = [{ lun: -1 }, { lun: 1 }, { lun: 2 }];

const collectionPath = (rig: Rig): string =>
  `${rig.lab.resourceId('restorePointCollections/c1')}?${COMPUTE_VERSION}`;
const pointPath = (rig: Rig, name: string): string =>
  `${rig.lab.resourceId(`restorePointCollections/c1/restorePoints/${name}`)}?${COMPUTE_VERSION}`;

function putCollection(rig: Rig, source = 'lab-vm'): Promise<Reply> {
  return rig.arm('PUT', collectionPath(rig), {
    location: rig.lab.vm.location,
    properties: { source: { id: rig.lab.resourceId(`virtualMachines/${source}`) } },
  });
}

function putPoint(rig: Rig, name: string, properties: object = {}): Promise<Reply> {
  return rig.arm('PUT', pointPath(rig, name), {
    properties: { consistencyMode: 'CrashConsistent', ...properties },
  });
}

test('a collection, a point without one disk, its end, its pictures', async () => {
  await using rig = await Rig.start({}, OS_AND_DATA);
  assert.is((await putCollection(rig)).status, 201);
  assert.is((await putCollection(rig)).status, 200);
  const excludeDisks = [{ id: rig.lab.diskId('disk2') }];
  const accepted = await putPoint(rig, 'p1', { excludeDisks });
  assert.is(accepted.status, 201);
  assert.is(at(accepted, 'properties.provisioningState'), 'Creating');
  assert.ok(accepted.headers.location);
  assert.is(at(await rig.end(accepted), 'status'), 'Succeeded');
  const point = await rig.arm('GET', pointPath(rig, 'p1'));
  assert.is(at(point, 'properties.provisioningState'), 'Succeeded');
  assert.is(at(point, 'properties.consistencyMode'), 'CrashConsistent');
  const profile = 'properties.sourceMetadata.storageProfile';
  assert.match(String(at(point, `${profile}.osDisk.diskRestorePoint.id`)), /diskRestorePoints/);
  assert.is(at(point, `${profile}.dataDisks.length`), 1);
  assert.is(at(point, `${profile}.dataDisks.0.lun`), 1);
  const pictures = await rig.lab.snapshots();
  assert.equal(
    pictures.map(({ disk, restorePoint }) => [disk, restorePoint]),
    [
      ['disk0', 'p1'],
      ['disk1', 'p1'],
    ],
  );
  assert.equal(await readFile(pictures[1]?.imagePath ?? ''), await readFile(rig.images[1] ?? ''));
  assert.equal(await rig.lab.violations(), []);
});

test('a collection shows its points if they are asked for', async () => {
  await using rig = await Rig.start();
  await putCollection(rig);
  await rig.end(await putPoint(rig, 'p1'));
  const plain = await rig.arm('GET', collectionPath(rig));
  assert.is(at(plain, 'properties.restorePoints'), undefined);
  const expanded = await rig.arm('GET', `${collectionPath(rig)}&$expand=restorePoints`);
  assert.is(at(expanded, 'properties.restorePoints.0.name'), 'p1');
  assert.is(at(expanded, 'properties.restorePoints.0.properties.provisioningState'), 'Succeeded');
});

test('a point without CrashConsistent is a violation', async () => {
  await using rig = await Rig.start();
  await putCollection(rig);
  assert.is((await putPoint(rig, 'p1', { consistencyMode: undefined })).status, 201);
  const [violation = ''] = await rig.lab.violations();
  assert.match(violation, /restorePoints\/p1 has no consistencyMode/);
});

test('no two at once, no change of one that exists, and no more than three in an hour', async () => {
  await using rig = await Rig.start({ operation: { durationMs: 0, inProgress: 1 } });
  await putCollection(rig);
  const first = await putPoint(rig, 'p1');
  const second = await putPoint(rig, 'p2');
  assert.is(second.status, 409);
  assert.is(at(second, 'error.code'), 'Conflict');
  await rig.end(first);
  assert.is((await putPoint(rig, 'p1')).status, 409);
  for (const name of ['p2', 'p3']) {
    await rig.end(await putPoint(rig, name));
  }
  const fourth = await putPoint(rig, 'p4');
  assert.is(fourth.status, 409);
  assert.is(at(fourth, 'error.code'), 'LabInventedRestorePointRateExceeded');
});

type Refusal = readonly [what: string, disk: Partial<ManagedDisk>, body: object, status: number];
const refusals: readonly Refusal[] = [
  ['another mode', {}, { consistencyMode: 'FileSystemConsistent' }, 400],
  ['an unknown field', {}, { exclude: [] }, 400],
  ['a disk that is not the VM’s', {}, { excludeDisks: [{ id: '/disks/x' }] }, 400],
  ['an Ultra disk', { sku: 'UltraSSD_LRS' }, {}, 409],
  ['a write-accelerated disk', { writeAccelerator: true }, {}, 409],
  ['a shared disk', { maxShares: 2 }, {}, 409],
];
test('refuses what the platform refuses', async () => {
  await using rig = await Rig.start();
  await putCollection(rig);
  for (const [what, disk, properties, status] of refusals) {
    await rig.lab.addDisk({ name: 'disk0', lun: 0, ...disk });
    assert.is((await putPoint(rig, 'p1', properties)).status, status, what);
  }
  assert.equal(await rig.lab.snapshots(), []);
});

test('an unsupported disk can be excluded; a confidential VM has no points', async () => {
  await using rig = await Rig.start({}, [{}, { sku: 'UltraSSD_LRS' }]);
  await putCollection(rig);
  const excludeDisks = [{ id: rig.lab.diskId('disk1') }];
  assert.is((await putPoint(rig, 'p1', { excludeDisks })).status, 201);
  await using confidential = await Rig.start({ vm: { securityType: 'ConfidentialVM' } });
  await putCollection(confidential);
  assert.is((await putPoint(confidential, 'p1')).status, 409);
});

test('a collection is one of this VM, and a point needs its collection', async () => {
  await using rig = await Rig.start();
  assert.is((await putCollection(rig, 'other-vm')).status, 404);
  assert.is((await putPoint(rig, 'p1')).status, 404);
});

test('deletes points, and a collection with all of its points', async () => {
  await using rig = await Rig.start();
  await putCollection(rig);
  for (const name of ['p1', 'p2']) {
    await rig.end(await putPoint(rig, name));
  }
  await rig.end(await rig.arm('DELETE', pointPath(rig, 'p1')));
  assert.is((await rig.arm('GET', pointPath(rig, 'p1'))).status, 404);
  assert.is((await rig.arm('DELETE', pointPath(rig, 'p1'))).status, 204);
  await rig.end(await rig.arm('DELETE', collectionPath(rig)));
  assert.is((await rig.arm('GET', pointPath(rig, 'p2'))).status, 404);
  assert.equal(await rig.lab.snapshots(), []);
});

test('a failed point says so', async () => {
  await using rig = await Rig.start({ operation: { outcome: 'Failed', durationMs: 0 } });
  await putCollection(rig);
  const ended = await rig.end(await putPoint(rig, 'p1'));
  assert.is(at(ended, 'status'), 'Failed');
  const point = await rig.arm('GET', pointPath(rig, 'p1'));
  assert.is(at(point, 'properties.provisioningState'), 'Failed');
});

test.run();
