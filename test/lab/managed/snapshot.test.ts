import { existsSync } from 'node:fs';
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

test('another PUT of the name adopts the snapshot, and another source is refused', async () => {
  await using rig = await Rig.start({}, [{}, {}]);
  await rig.end(await rig.put('s1'));
  const before = await rig.arm('GET', rig.snapshotPath('s1'));
  const again = await rig.put('S1');
  assert.is(again.status, 202);
  const ended = await rig.end(again);
  assert.is(at(ended, 'status'), 'Succeeded');
  const time = 'properties.timeCreated';
  assert.is(at(ended, `properties.output.${time}`), at(before, time));
  assert.is((await rig.lab.snapshots()).length, 1);
  const other = await rig.put('s1', 'disk1');
  assert.is(other.status, 400);
  assert.is(at(other, 'code'), 'PropertyChangeNotAllowed');
  assert.match(String(at(other, 'message')), /Changing property 'sourceResourceId'/);
});

test('another PUT while the first still runs ends no sooner than the first', async () => {
  await using rig = await Rig.start({ operation: { durationMs: 0, inProgress: 2 } });
  const first = await rig.put('s1');
  const second = await rig.put('s1');
  const url = second.headers['azure-asyncoperation'] ?? '';
  assert.is(at(await rig.arm('GET', url), 'status'), 'InProgress');
  await rig.end(first);
  assert.is(at(await rig.end(second), 'status'), 'Succeeded');
});

test('the resource is Updating until the operation ends', async () => {
  await using rig = await Rig.start({ operation: { durationMs: 0, inProgress: 2 } });
  await rig.put('s1');
  const states = [];
  do {
    states.push(at(await rig.arm('GET', rig.snapshotPath('s1')), 'properties.provisioningState'));
  } while (states.at(-1) !== 'Succeeded');
  assert.equal(states.slice(0, 1), ['Updating']);
});

test('lists page by page, of the group alone', async () => {
  await using rig = await Rig.start({ pageSize: 2, groups: ['other'], limits: 'none' });
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    await rig.put(name);
  }
  const elsewhere = `${rig.lab.resourceId('snapshots/z', 'other')}?${DISK_VERSION}`;
  assert.is((await rig.arm('PUT', elsewhere, rig.body())).status, 202);
  const names = [];
  let url: unknown = `${rig.lab.resourceId('snapshots')}?${DISK_VERSION}`;
  while (url !== undefined) {
    const page = await rig.arm('GET', String(url));
    assert.ok(Number(at(page, 'value.length')) <= 2);
    names.push(at(page, 'value.0.name'), at(page, 'value.1.name'));
    url = at(page, 'nextLink');
  }
  assert.equal(names, ['a', 'b', 'c', 'd', 'e', undefined]);
});

test('a deleted snapshot is gone with its image, and one that is not there answers 204', async () => {
  await using rig = await Rig.start();
  await rig.end(await rig.put('s1'));
  const image = (await rig.lab.snapshots())[0]?.imagePath ?? '';
  assert.ok(existsSync(image));
  const accepted = await rig.arm('DELETE', rig.snapshotPath('s1'));
  assert.is(accepted.status, 202);
  await rig.end(accepted);
  assert.not.ok(existsSync(image));
  assert.is((await rig.arm('GET', rig.snapshotPath('s1'))).status, 404);
  assert.is((await rig.arm('DELETE', rig.snapshotPath('s1'))).status, 204);
});

test('a snapshot that is deleted while it is made ends as Canceled, and leaves no image', async () => {
  const operation = { durationMs: 0, inProgress: 2 };
  await using rig = await Rig.start({ operation });
  const accepted = await rig.put('s1');
  await rig.end(await rig.arm('DELETE', rig.snapshotPath('s1')));
  assert.is(at(await rig.end(accepted), 'status'), 'Canceled');
  assert.is((await rig.arm('GET', rig.snapshotPath('s1'))).status, 404);
  assert.equal(await rig.lab.snapshots(), []);
});

test('Ultra and Premium SSD v2: Succeeded with a copy that has only begun', async () => {
  await using rig = await Rig.start({ backgroundCopyMs: 3_600_000 }, [{ sku: 'UltraSSD_LRS' }]);
  await rig.end(await rig.put('s1'));
  const taken = await rig.arm('GET', rig.snapshotPath('s1'));
  assert.is(at(taken, 'properties.provisioningState'), 'Succeeded');
  assert.is(at(taken, 'properties.completionPercent'), 0);
  assert.is(at(taken, 'properties.snapshotAccessState'), 'Pending');
  await rig.put('s2');
  await rig.put('s3');
  const fourth = await rig.put('s4');
  assert.is(fourth.status, 409);
  assert.is(at(fourth, 'code'), 'LabInventedSnapshotCopiesExceeded');
});

test('Ultra and Premium SSD v2: once copied, the snapshot is available', async () => {
  await using rig = await Rig.start({ backgroundCopyMs: 1 }, [{ sku: 'PremiumV2_LRS' }]);
  await rig.end(await rig.put('s1'));
  let taken = await rig.arm('GET', rig.snapshotPath('s1'));
  while (at(taken, 'properties.completionPercent') !== 100) {
    taken = await rig.arm('GET', rig.snapshotPath('s1'));
  }
  assert.is(at(taken, 'properties.snapshotAccessState'), 'Available');
});

test('with instant access, a disk can be made before the copy is whole', async () => {
  await using rig = await Rig.start({ backgroundCopyMs: 3_600_000 }, [{ sku: 'PremiumV2_LRS' }]);
  const creationData = {
    createOption: 'Copy',
    sourceResourceId: rig.lab.diskId('disk0'),
    instantAccessDurationMinutes: 60,
  };
  await rig.end(await rig.arm('PUT', rig.snapshotPath('s1'), rig.body('disk0', { creationData })));
  const taken = await rig.arm('GET', rig.snapshotPath('s1'));
  assert.is(at(taken, 'properties.snapshotAccessState'), 'InstantAccess');
  assert.is(at(taken, 'properties.completionPercent'), 0);
});

test('the eighth snapshot of a disk in five minutes is refused', async () => {
  await using rig = await Rig.start({}, [{}, {}]);
  const statuses = [];
  for (let count = 1; count <= 8; count += 1) {
    statuses.push((await rig.put(`s${count}`)).status);
  }
  assert.equal(statuses, [202, 202, 202, 202, 202, 202, 202, 409]);
  assert.is((await rig.put('other', 'disk1')).status, 202);
});

test('the server’s clock may be wrong and in another time zone', async () => {
  await using rig = await Rig.start({ clockSkewMs: -7_200_000, utcOffset: '-04:00' });
  await rig.end(await rig.put('s1'));
  const time = String((await rig.lab.snapshots())[0]?.timeCreated);
  assert.match(time, /\.\d{7}-04:00$/);
  const behindMs = Date.now() - Date.parse(time);
  assert.ok(behindMs >= 7_200_000 && behindMs < 7_300_000, String(behindMs));
});

test('snapshots without content, for measurements', async () => {
  await using rig = await Rig.start({ snapshotContent: 'none' });
  await rig.end(await rig.put('s1'));
  assert.is((await rig.lab.snapshots())[0]?.imagePath, undefined);
});

test.run();
