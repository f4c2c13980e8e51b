import * as assert from 'uvu/assert';
import { restorePointsOf } from '../../src/restore-points/group.ts';
import { inventoryIn } from '../../src/restore-points/read-managed-points.ts';
import { parseDiskPointId } from '../../src/snapshot/managed/arm-id.ts';
import { isOwnPointName, pointName } from '../../src/snapshot/managed/restore-point.ts';
import { nameOfAttempt } from '../../src/snapshot/managed/snapshot-naming.ts';
import { suite } from '../suite.ts';

const test = suite('restore points of VMs');

const SUBSCRIPTION = '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/g';
const COMPUTE = `${SUBSCRIPTION}/providers/Microsoft.Compute`;
const OWN = 'vm1-20261129T060000Z-5b1e0c2a';

test('the names that flashfreeze gives are recognised, and no others', () => {
  const mark = { time: new Date('2026-11-29T06:00:00.123Z'), shortId: '5b1e0c2a' };
  for (const prefix of [undefined, 'a', 'x'.repeat(80), 'a.b_c-d', 'ümläut']) {
    for (const attempt of [0, 1, 98]) {
      const name = nameOfAttempt(pointName(prefix, { name: 'vm1' }, mark), attempt);
      assert.ok(isOwnPointName(name), name);
    }
  }
  const others = [
    ...['', 'daily', 'vm1-20261129T060000Z', 'vm1-20261129T060000Z-5B1E0C2A'],
    ...['20261129T060000Z-5b1e0c2a', 'vm1-20261129T060000Z-5b1e0c2', `${OWN}-100`, `${OWN}-x`],
    ...['vm1-2026-11-29T06:00:00Z-5b1e0c2a', 'AzureBackup_20261129_060000'],
  ];
  for (const name of others) {
    assert.not(isOwnPointName(name), name);
  }
});

test('ids of disks in restore points', () => {
  const id = `${COMPUTE}/restorePointCollections/c/restorePoints/${OWN}/diskRestorePoints/d_1`;
  const parsed = parseDiskPointId(id);
  assert.is(parsed?.pointName, OWN);
  assert.is(parsed?.point, `${COMPUTE}/restorePointCollections/c/restorePoints/${OWN}`);
  assert.is(parsed?.collection.text, `${COMPUTE}/restorePointCollections/c`);
  assert.is(parseDiskPointId(id.toUpperCase())?.name, 'D_1');
  for (const bad of [
    '',
    `${id}/x`,
    `${id}?a=b`,
    id.replace('/d_1', '/..%2f'),
    `${COMPUTE}/disks/d`,
  ]) {
    assert.is(parseDiskPointId(bad), undefined, bad);
  }
});

function point(name: string, properties: object = {}): object {
  const disk = (its: string, lun?: number): object => ({
    ...{ diskSizeGB: 32, ...(lun === undefined ? {} : { lun }) },
    managedDisk: { id: `${COMPUTE}/disks/${its}` },
    diskRestorePoint: {
      id: `${COMPUTE}/restorePointCollections/c/restorePoints/${name}/diskRestorePoints/${its}_1`,
    },
  });
  return {
    name,
    properties: {
      ...{ provisioningState: 'Succeeded', consistencyMode: 'CrashConsistent' },
      timeCreated: '2026-11-29T06:00:01.1234567+00:00',
      sourceMetadata: {
        vmId: 'vm-id',
        storageProfile: { osDisk: disk('os'), dataDisks: [disk('d7', 7), disk('d2', 2)] },
      },
      ...properties,
    },
  };
}

test('points of a collection become restore points', () => {
  const restorePoints = [
    point(OWN),
    point('vm1-20261128T060000Z-5b1e0c2a', { provisioningState: 'Failed' }),
    point('vm1-20261127T060000Z-5b1e0c2a', { provisioningState: 'Creating' }),
    point('vm1-20261126T060000Z-5b1e0c2a', { consistencyMode: 'ApplicationConsistent' }),
    point('AzureBackup_20261125'),
    { name: 7 },
  ];
  const source = { id: `${COMPUTE}/virtualMachines/vm1` };
  const body = JSON.stringify({ properties: { source, restorePoints } });
  const { members, records } = inventoryIn([Buffer.from(body)]);
  const points = restorePointsOf(members, [], records);
  assert.equal(
    points.map(({ id, worth, host, vm, count }) => [id, worth, host, vm, count]),
    [
      ['vm1-20261128T060000Z-5b1e0c2a', 'inconsistent', 'vm1', 'vm-id', 3],
      [OWN, 'notRecorded', 'vm1', 'vm-id', 3],
    ].toSorted(),
  );
  const own = points.find(({ id }) => id === OWN);
  assert.equal(
    own?.members.map(({ membership, sizeBytes }) => [
      membership.position,
      membership.lun,
      sizeBytes,
    ]),
    [
      [1, 'os', 32 * 2 ** 30],
      [2, 7, 32 * 2 ** 30],
      [3, 2, 32 * 2 ** 30],
    ],
  );
  assert.equal(inventoryIn([Buffer.from('[]')]), {
    ...{ members: [], records: [], isHidden: false },
  });
});

test.run();
