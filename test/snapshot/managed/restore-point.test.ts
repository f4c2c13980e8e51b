import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../../src/errors.ts';
import { type ArmId, parseArmId } from '../../../src/snapshot/managed/arm-id.ts';
import type { Vm, VmDisk } from '../../../src/snapshot/managed/instance-metadata.ts';
import {
  collectionBody,
  pointBody,
  pointId,
  pointName,
  pointPath,
  preparePoint,
} from '../../../src/snapshot/managed/restore-point.ts';
import { selectDisks } from '../../../src/snapshot/managed/select-disks.ts';
import { suite } from '../../suite.ts';

const test = suite('restore points: what is asked for');
const SUBSCRIPTION = '11111111-2222-3333-4444-555555555555';
const COMPUTE = `/subscriptions/${SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Compute`;
const MARK = { runId: 'run-1', time: new Date('2026-11-29T02:03:04.567Z'), shortId: '0a1b2c3d' };
const VM: Vm = {
  ...{ name: 'vm1', vmId: 'v', subscription: SUBSCRIPTION, group: 'g', location: 'westeurope' },
  ...{ environment: 'AzurePublicCloud', size: 'Standard_D4s_v5' },
  resourceId: parseArmId(`${COMPUTE}/virtualMachines/vm1`, 'virtualMachines'),
};

function disk(lun: number, more: Partial<VmDisk> = {}): VmDisk {
  const name = lun < 0 ? 'os' : `data${lun}`;
  return {
    ...{ name, lun, kind: lun < 0 ? 'os' : 'data', sku: 'Premium_LRS' },
    id: parseArmId(`${COMPUTE}/disks/${name}`, 'disks') as ArmId,
    ...{ isEphemeral: false, isShared: false, isUnmanaged: false },
    ...more,
  };
}

function prepare(disks: readonly VmDisk[], vm: Partial<Vm> = {}, excludeLuns: number[] = []) {
  const selected = selectDisks(disks, { includeLuns: undefined, excludeLuns });
  return preparePoint(
    {
      instance: { vm: { ...VM, ...vm }, disks },
      manager: { origin: 'https://management.azure.com', audience: 'a' },
      ...selected,
    },
    {
      ...{ collection: 'daily', group: undefined, namePrefix: undefined },
      ...{ mark: MARK, proxy: undefined },
    },
  );
}

test('the body always names the mode, and the disks that are excluded', () => {
  const { point } = prepare([disk(-1), disk(0)]);
  assert.equal(pointBody(point), { properties: { consistencyMode: 'CrashConsistent' } });
  assert.equal(collectionBody(point), {
    location: 'westeurope',
    properties: { source: { id: `${COMPUTE}/virtualMachines/vm1` } },
  });
  const without = prepare([disk(-1), disk(0)], {}, [0]).point;
  assert.equal(pointBody(without), {
    properties: {
      consistencyMode: 'CrashConsistent',
      excludeDisks: [{ id: `${COMPUTE}/disks/data0` }],
    },
  });
});

test('names and addresses', () => {
  const { point } = prepare([disk(-1)]);
  const name = 'vm1-20261129T020304Z-0a1b2c3d';
  const collection = `${COMPUTE}/restorePointCollections/daily`;
  assert.is(pointId(point, 0), `${collection}/restorePoints/${name}`);
  assert.is(pointId(point, 1), `${collection}/restorePoints/${name}-2`);
  assert.is(pointPath(collection), `${collection}?api-version=2025-11-01`);
  assert.match(pointPath(collection, 'restorePoints'), /&\$expand=restorePoints$/);
  const table: [prefix: string | undefined, vm: string, head: string][] = [
    ['nightly', 'vm1', 'nightly'],
    [undefined, '-ä', 'flashfreeze'],
    [undefined, 'x'.repeat(90), 'x'.repeat(50)],
  ];
  for (const [prefix, vm, head] of table) {
    assert.is(pointName(prefix, { name: vm }, MARK), `${head}-20261129T020304Z-0a1b2c3d`);
  }
});

test('disks that no crash-consistent point contains are excluded and named', () => {
  const table: [more: Partial<VmDisk>, because: RegExp][] = [
    [{ sku: 'UltraSSD_LRS' }, /no Ultra disks/],
    [{ sku: 'PremiumV2_LRS' }, /no Premium SSD v2/],
    [{ isWriteAccelerated: true }, /no write-accelerated/],
    [{ isShared: true }, /shared with other VMs/],
    [{ isEphemeral: true }, /ephemeral OS disk/],
  ];
  for (const [more, because] of table) {
    const { point, leftOut } = prepare([disk(-1), disk(3, more)]);
    assert.match(leftOut[0]?.because ?? '', because);
    assert.is(leftOut[0]?.isWanted, false);
    assert.equal(
      [point.disks.map((it) => it.disk.lun), point.excluded.map((it) => it.name)],
      [[-1], ['data3']],
    );
  }
});

test('VMs of which no point can be made are refused with the reason', () => {
  const table: [disks: VmDisk[], vm: Partial<Vm>, says: RegExp][] = [
    [[disk(-1)], { isConfidential: true }, /confidential VMs/],
    [[disk(-1)], { resourceId: undefined }, /uniform scale sets/],
    [[disk(-1), disk(0, { id: undefined, isUnmanaged: true })], {}, /page blobs/],
    [[disk(-1), disk(0, { id: undefined })], {}, /no usable id/],
    [[disk(0, { sku: 'UltraSSD_LRS' })], {}, /none of its disks.\n.*LUN 0/],
  ];
  for (const [disks, vm, says] of table) {
    try {
      prepare(disks, vm);
      assert.unreachable(String(says));
    } catch (error) {
      assert.ok(error instanceof FlashfreezeError && error.code === 'FF_DISK_UNSUPPORTED');
      assert.match(String(error), says);
    }
  }
});

test.run();
