import * as assert from 'uvu/assert';
import { placementWishesOf } from '../../src/commands/restore-options.ts';
import { azLines } from '../../src/restore/az-lines.ts';
import { diskBody, missingOptions, placementOf } from '../../src/restore/disk-body.ts';
import { judgeExisting } from '../../src/restore/existing-disk.ts';
import type { OldDisk } from '../../src/restore/old-disks.ts';
import type { RestorePlan } from '../../src/restore/restore-plan.ts';
import { readSource, unreadableBecause, unusableBecause } from '../../src/restore/source-facts.ts';
import { membersOf } from '../restore-points/fixtures/members.ts';
import { suite } from '../suite.ts';

const test = suite('managed disks of a restore');

function bytes(value: unknown): Buffer[] {
  return [Buffer.from(JSON.stringify(value))];
}

const SNAPSHOT = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/snapshots/n';
const SIZE = 4096;
const EXPECTED = { bytes: SIZE, gigabytes: 0 };

test('what stands where a new disk is to be', () => {
  const made = { creationData: { sourceResourceId: SNAPSHOT.toUpperCase() }, diskSizeBytes: SIZE };
  const table: readonly (readonly [properties: object, kind: string | undefined])[] = [
    [{ ...made, provisioningState: 'Succeeded' }, 'made'],
    [{ ...made, provisioningState: 'succeeded', completionPercent: 100 }, 'made'],
    [{ ...made, provisioningState: 'Succeeded', completionPercent: 7 }, 'filling'],
    [{ ...made, provisioningState: 'Creating' }, 'underWay'],
    [{ ...made, provisioningState: 'Updating', completionPercent: 7 }, 'underWay'],
    [{ ...made }, 'underWay'],
    [{ ...made, provisioningState: 'Failed' }, 'failed'],
    [{ ...made, provisioningState: 'Canceled' }, 'failed'],
    [{ ...made, provisioningState: 'Succeeded', diskSizeBytes: SIZE + 1 }, 'foreign'],
    [{ provisioningState: 'Succeeded', creationData: { createOption: 'Empty' } }, 'foreign'],
    [
      { provisioningState: 'Succeeded', creationData: { sourceResourceId: `${SNAPSHOT}2` } },
      'foreign',
    ],
    [{ provisioningState: 7 }, undefined],
  ];
  for (const [properties, kind] of table) {
    const found = judgeExisting(bytes({ properties }), SNAPSHOT, EXPECTED);
    assert.is(found?.kind, kind, JSON.stringify(properties));
  }
  const properties = { ...made, provisioningState: 'Succeeded' };
  const attached = judgeExisting(bytes({ managedBy: '/vm', properties }), SNAPSHOT, EXPECTED);
  assert.equal(attached, { kind: 'made', wasAttached: true });
  const detached = { ...properties, LastOwnershipUpdateTime: '2026-11-29T00:00:00Z' };
  assert.equal(judgeExisting(bytes({ properties: detached }), SNAPSHOT, EXPECTED), attached);
  const fresh = { ...detached, timeCreated: '2026-11-28T23:59:58Z' };
  assert.equal(judgeExisting(bytes({ properties: fresh }), SNAPSHOT, EXPECTED), {
    ...{ kind: 'made', wasAttached: false },
  });
  const older = { ...detached, timeCreated: '2026-11-28T12:00:00Z' };
  assert.equal(judgeExisting(bytes({ properties: older }), SNAPSHOT, EXPECTED), attached);
  const larger = bytes({ properties: { ...properties, diskSizeGB: 64 } });
  const whole = { bytes: 0, gigabytes: 32 };
  assert.is(judgeExisting(larger, SNAPSHOT, whole)?.kind, 'foreign');
  assert.is(judgeExisting(larger, SNAPSHOT, { ...whole, gigabytes: 64 })?.kind, 'made');
});

test('a disk whose last operation has failed is tried again only if no VM can have used it', () => {
  const made = { creationData: { sourceResourceId: SNAPSHOT }, diskSizeBytes: SIZE };
  const timeCreated = '2026-11-28T12:00:00Z';
  for (const state of ['Failed', 'canceled']) {
    const properties = { ...made, timeCreated, provisioningState: state };
    const judged = (answer: object) => judgeExisting(bytes(answer), SNAPSHOT, EXPECTED);
    const changed = (LastOwnershipUpdateTime: string) =>
      judged({ properties: { ...properties, LastOwnershipUpdateTime } });
    const failed = { kind: 'failed', state };
    assert.equal(judged({ properties }), failed);
    assert.equal(judged({ managedBy: '', managedByExtended: [], properties }), failed);
    assert.equal(changed('2026-11-28T12:00:30Z'), failed, 'when it was made');
    const foreign = (because: string) => ({
      ...{ kind: 'foreign', because: `its provisioning state is ${state}, but ${because}` },
    });
    assert.equal(judged({ managedBy: '/vm', properties }), foreign('/vm uses it'));
    assert.equal(judged({ managedByExtended: ['/a', '/b'], properties }), foreign('/a uses it'));
    const later = '2026-11-29T00:00:00Z';
    const because = `a VM may have used it (LastOwnershipUpdateTime ${later})`;
    assert.equal(changed(later), foreign(because));
    const larger = judged({ properties: { ...properties, diskSizeBytes: SIZE + 1 } });
    assert.is(larger?.kind, 'foreign');
  }
});

test('which snapshots a disk can be made of', () => {
  const done = { provisioningState: 'Succeeded' };
  const table: readonly (readonly [properties: object, words: string | undefined])[] = [
    [{ ...done }, undefined],
    [{ ...done, completionPercent: 3, creationData: { createOption: 'Copy' } }, undefined],
    [{ ...done, completionPercent: 3, snapshotAccessState: 'InstantAccess' }, undefined],
    [{ ...done, completionPercent: 3, snapshotAccessState: 'Pending' }, 'copied 3 % of its data'],
    [
      { ...done, completionPercent: 99, creationData: { createOption: 'CopyStart' } },
      'another region',
    ],
    [{ ...done, completionPercent: 100, creationData: { createOption: 'CopyStart' } }, undefined],
    [
      { ...done, copyCompletionError: { errorMessage: 'no key' } },
      'could not copy its data (“no key”)',
    ],
    [{ provisioningState: 'Failed' }, 'its provisioning state is Failed'],
    [{ provisioningState: 'Updating' }, 'it is still being taken (Updating)'],
    [{}, 'no state is known'],
  ];
  for (const [properties, words] of table) {
    const source = readSource(bytes({ location: 'westeurope', properties }));
    assert.ok(source, JSON.stringify(properties));
    const because = unusableBecause(source);
    if (words === undefined) {
      assert.is(because, undefined, JSON.stringify(properties));
    } else {
      assert.match(because ?? '', words);
    }
  }
  assert.is(readSource(bytes({ properties: {} })), undefined);
});

test('which snapshots can be read', () => {
  const done = { provisioningState: 'Succeeded' };
  const table: readonly (readonly [properties: object, words: string])[] = [
    [{ ...done, diskState: 'Unattached', snapshotAccessState: 'Available' }, ''],
    [{ ...done, diskState: 'ActiveSAS' }, 'another program has read access to it'],
    [{ ...done, snapshotAccessState: 'InstantAccess' }, 'before Azure has copied its data'],
    [{ ...done, snapshotAccessState: 'AvailableWithInstantAccess' }, ''],
    [{ ...done, snapshotAccessState: 'Pending', completionPercent: 8 }, 'it cannot be read before'],
  ];
  for (const [properties, words] of table) {
    const source = readSource(bytes({ location: 'westeurope', properties }));
    assert.ok(source);
    const because = unreadableBecause(source) ?? '';
    assert.ok(words === '' ? because === '' : because.includes(words), because);
  }
});

test('storage type and zone: of the options, or else of the old disk', () => {
  const old = { sku: 'Premium_LRS', zone: '1' };
  const wishes = placementWishesOf({
    sku: ['StandardSSD_LRS', 'os=Premium_ZRS', '3=UltraSSD_LRS'],
  });
  const nothing = placementWishesOf({});
  assert.equal(placementOf(0, nothing, old), old);
  assert.equal(placementOf(0, nothing, { ...old, zone: undefined }), { ...old, zone: 'none' });
  assert.equal(placementOf(0, wishes, old), { sku: 'StandardSSD_LRS', zone: '1' });
  assert.equal(placementOf(3, wishes, old), { sku: 'UltraSSD_LRS', zone: '1' });
  assert.equal(placementOf('os', wishes, undefined), { sku: 'Premium_ZRS', zone: 'none' });
  assert.equal(placementOf(undefined, placementWishesOf({ zone: 'none' }), old).zone, 'none');
  assert.equal(missingOptions(placementOf(0, nothing, undefined)).length, 2);
  assert.equal(missingOptions(placementOf(0, wishes, undefined)), ['--zone <zone> (or none)']);
  for (const options of [{ sku: [''] }, { sku: ['a=Premium_LRS'] }, { zone: '' }, { zone: '10' }]) {
    assert.throws(() => placementWishesOf(options), JSON.stringify(options));
  }
});

const ULTRA: OldDisk = {
  ...{ sku: 'UltraSSD_LRS', zone: '1' },
  properties: {
    ...{
      diskIOPSReadWrite: 3000,
      diskMBpsReadWrite: 200,
      creationData: { logicalSectorSize: 4096 },
    },
    ...{
      networkAccessPolicy: 'AllowPrivate',
      diskAccessId: '/access',
      publicNetworkAccess: 'Disabled',
    },
    hyperVGeneration: undefined,
  },
};

test('what is asked for, disk by disk', () => {
  const source = readSource(
    bytes({
      ...{ location: 'westeurope', extendedLocation: { name: 'edge' } },
      properties: {
        ...{ provisioningState: 'Succeeded', osType: 'Linux', hyperVGeneration: 'V2' },
        ...{ securityProfile: { securityType: 'TrustedLaunch' }, networkAccessPolicy: 'DenyAll' },
        encryption: { type: 'EncryptionAtRestWithCustomerKey', diskEncryptionSetId: '/set' },
      },
    }),
  );
  assert.ok(source);
  const shared = { source, sourceId: SNAPSHOT, createOption: 'Copy' as const, tags: { a: 'b' } };
  const os = { ...shared, isOs: true, old: undefined };
  assert.equal(diskBody({ ...os, placement: { sku: 'Premium_LRS', zone: '2' } }), {
    location: 'westeurope',
    extendedLocation: { name: 'edge', type: 'EdgeZone' },
    ...{ sku: { name: 'Premium_LRS' }, zones: ['2'], tags: { a: 'b' } },
    properties: {
      creationData: { createOption: 'Copy', sourceResourceId: SNAPSHOT },
      ...{ osType: 'Linux', hyperVGeneration: 'V2', networkAccessPolicy: 'DenyAll' },
      securityProfile: { securityType: 'TrustedLaunch' },
      encryption: { type: 'EncryptionAtRestWithCustomerKey', diskEncryptionSetId: '/set' },
    },
  });
  const data = { ...shared, isOs: false, old: ULTRA, source: { ...source, edgeZone: undefined } };
  const ultra = diskBody({ ...data, placement: { sku: 'UltraSSD_LRS', zone: 'none' } });
  assert.equal(Reflect.get(ultra, 'zones'), undefined);
  const { creationData, ...properties } = Reflect.get(ultra, 'properties');
  assert.equal(creationData, {
    ...{ createOption: 'Copy', sourceResourceId: SNAPSHOT, logicalSectorSize: 4096 },
  });
  assert.is(properties.diskIOPSReadWrite, 3000);
  assert.is(properties.networkAccessPolicy, 'AllowPrivate');
  assert.is(properties.diskAccessId, '/access');
  const premium = diskBody({ ...data, placement: { sku: 'Premium_LRS', zone: '1' } });
  assert.is(Reflect.get(premium, 'properties').diskIOPSReadWrite, undefined);
});

test('the line for the Azure CLI asks for the same', () => {
  const old = {
    ...ULTRA,
    properties: {
      ...ULTRA.properties,
      encryption: { type: 'EncryptionAtRestWithCustomerKey', diskEncryptionSetId: '/set' },
    },
  };
  const [member] = membersOf(1, { kind: 'managed' });
  assert.ok(member);
  const plan = { disks: [{ member, name: 'drill-lun0' }] } as unknown as RestorePlan;
  const placement = { sku: 'UltraSSD_LRS', zone: '1' };
  const managed = [{ id: '/disk', exists: false, old, placement }];
  const [line = ''] = azLines(plan, { blobUrl: undefined, group: 'g', managed });
  assert.match(
    line,
    / --sku UltraSSD_LRS --zone 1 --network-access-policy AllowPrivate --disk-access \/access --public-network-access Disabled --encryption-type EncryptionAtRestWithCustomerKey --disk-encryption-set \/set --logical-sector-size 4096 --disk-iops-read-write 3000 --disk-mbps-read-write 200$/,
  );
});

test.run();
