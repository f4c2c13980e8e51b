import * as assert from 'uvu/assert';
import {
  foreignBecause,
  readDiskResource,
  readSnapshotResource,
} from '../../../src/snapshot/managed/disk-resource.ts';
import { suite } from '../../suite.ts';

const test = suite('resources of disks and snapshots');
const VM = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm1';
const body = (value: unknown): Buffer[] => [Buffer.from(JSON.stringify(value))];

function disk(properties: object, rest: object = {}): Buffer[] {
  const common = { diskState: 'Attached', diskSizeBytes: 1024, provisioningState: 'Succeeded' };
  return body({
    ...{ location: 'westeurope', managedBy: VM.toUpperCase() },
    properties: { ...common, ...properties },
    ...rest,
  });
}

test('a disk of this VM has no problem; its region and zone are taken', () => {
  assert.equal(readDiskResource(disk({}), { vm: VM }), {
    ...{ location: 'westeurope', edgeZone: undefined, sizeBytes: 1024, problem: undefined },
    state: 'Attached',
  });
  const edge = disk({}, { extendedLocation: { name: 'losangeles', type: 'EdgeZone' } });
  assert.is(readDiskResource(edge, { vm: VM })?.edgeZone, 'losangeles');
});

test('disks of which no useful snapshot can be taken are named with the reason', () => {
  const table: [Buffer[], RegExp][] = [
    [disk({ maxShares: 2 }), /up to 2 VMs share/],
    [disk({}, { managedBy: `${VM}2` }), /is attached to .*vm1?2/],
    [disk({ diskState: 'Unattached' }), /state Unattached/],
    [disk({ diskState: 'ActiveUpload' }), /state ActiveUpload/],
    [disk({ provisioningState: 'Failed' }), /ended with Failed/],
  ];
  for (const [text, reason] of table) {
    assert.match(readDiskResource(text, { vm: VM })?.problem ?? '', reason);
  }
  assert.is(readDiskResource(disk({ diskState: 'ActiveSAS' }), { vm: VM })?.problem, undefined);
  assert.is(
    readDiskResource(disk({}, { managedBy: `${VM}2` }), { vm: undefined })?.problem,
    undefined,
  );
});

test('what is no disk is not taken for one', () => {
  for (const value of [{}, [], { location: '', properties: {} }, { location: 'x' }]) {
    assert.is(readDiskResource(body(value), { vm: VM }), undefined, JSON.stringify(value));
  }
});

const DISK = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d';

test('an old time, or another disk, unmasks a reused name', () => {
  const snapshot = readSnapshotResource(
    body({
      properties: {
        ...{ provisioningState: 'Succeeded', timeCreated: '2026-11-29T02:00:00.1234567-04:00' },
        ...{ completionPercent: 0, snapshotAccessState: 'Pending' },
        creationData: { sourceResourceId: DISK.toUpperCase() },
      },
    }),
  );
  assert.ok(snapshot !== undefined);
  if (snapshot !== undefined) {
    const atMs = Date.parse('2026-11-29T06:00:00.123Z');
    assert.is(foreignBecause(snapshot, DISK, atMs - 100), undefined);
    assert.is(foreignBecause(snapshot, DISK, undefined), undefined);
    // The clocks of the service's parts differ a little.
    assert.is(foreignBecause(snapshot, DISK, atMs + 4_000), undefined);
    assert.match(foreignBecause(snapshot, DISK, atMs + 6_000) ?? '', 'older than the request');
    assert.match(foreignBecause(snapshot, `${DISK}2`, atMs) ?? '', 'of /SUBSCRIPTIONS/S');
    assert.equal([snapshot.completionPercent, snapshot.accessState], [0, 'Pending']);
  }
});

test.run();
