import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { at, DATA_BYTES, DISK_VERSION, Rig } from './fixtures/rig.ts';

const test = suite('snapshots of managed disks in the lab');

test('metadata, token, disk, snapshot, polls and the snapshot itself', async () => {
  await using rig = await Rig.start();
  const compute = await rig.metadata('instance/compute?api-version=2021-12-13');
  const id = at(compute, 'storageProfile.dataDisks.0.managedDisk.id');
  assert.is(id, rig.lab.diskId('disk0'));
  const disk = await rig.arm('GET', `${id}?${DISK_VERSION}`);
  assert.is(disk.status, 200);
  assert.is(at(disk, 'properties.diskState'), 'Attached');
  const accepted = await rig.put('s1');
  assert.is(accepted.status, 202);
  assert.is(at(accepted, 'id'), undefined);
  assert.is(at(accepted, 'properties.provisioningState'), 'Updating');
  assert.is(at(await rig.end(accepted), 'status'), 'Succeeded');
  const taken = await rig.arm('GET', rig.snapshotPath('s1'));
  assert.is(at(taken, 'properties.provisioningState'), 'Succeeded');
  assert.match(
    String(at(taken, 'properties.timeCreated')),
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00$/,
  );
  assert.is(at(taken, 'properties.creationData.sourceUniqueId'), at(disk, 'properties.uniqueId'));
  const [snapshot] = await rig.lab.snapshots();
  const image = await readFile(snapshot?.imagePath ?? '');
  assert.equal(
    image.subarray(0, DATA_BYTES),
    (await readFile(rig.images[0] ?? '')).subarray(0, DATA_BYTES),
  );
  assert.equal(
    (await rig.lab.requests()).map(({ call }) => call).filter((call) => call !== 'poll-operation'),
    ['compute', 'token', 'get-disk', 'put-snapshot', 'get-snapshot'],
  );
});

test.run();
