import * as assert from 'uvu/assert';
import type { ManagedDisk } from '../../../src/lab/managed/model.ts';
import { suite } from '../../suite.ts';
import { at, type Reply, Rig } from './fixtures/rig.ts';

const test = suite('what the lab refuses in a snapshot request');

const V2: Partial<ManagedDisk> = { sku: 'PremiumV2_LRS' };

function codeOf(reply: Reply): unknown {
  return at(reply, 'error.code') ?? at(reply, 'code');
}

type Case = readonly [what: string, body: (rig: Rig) => unknown, code: string, text: RegExp];
const source = (rig: Rig, sourceResourceId: string): object =>
  rig.body('disk0', { creationData: { createOption: 'Copy', sourceResourceId } });
const minutes = (rig: Rig, disk: string, instantAccessDurationMinutes: number): object =>
  rig.body(disk, {
    creationData: {
      createOption: 'Copy',
      sourceResourceId: rig.lab.diskId(disk),
      instantAccessDurationMinutes,
    },
  });
const cases: readonly Case[] = [
  [
    'an incremental one on premium storage',
    (rig) => rig.body('disk0', {}, { sku: { name: 'Premium_LRS' } }),
    'InvalidParameter',
    /sku/,
  ],
  [
    'private access by nothing',
    (rig) => rig.body('disk0', { networkAccessPolicy: 'AllowPrivate' }),
    'InvalidParameter',
    /diskAccessId/,
  ],
  ['no JSON', () => '{', 'InvalidRequestContent', /deserialized/],
  [
    'no location',
    (rig) => rig.body('disk0', {}, { location: undefined }),
    'InvalidParameter',
    /location/,
  ],
  [
    'another location',
    (rig) => rig.body('disk0', {}, { location: 'eastus' }),
    'InvalidParameter',
    /eastus/,
  ],
  ['no properties', () => ({ location: 'westeurope' }), 'InvalidParameter', /properties/],
  [
    'no source',
    (rig) => rig.body('disk0', { creationData: { createOption: 'Copy' } }),
    'InvalidParameter',
    /sourceResourceId/,
  ],
  ['zones', (rig) => rig.body('disk0', {}, { zones: ['1'] }), 'InvalidParameter', /zones/],
  [
    'an unknown property',
    (rig) => rig.body('disk0', { incremntal: true }),
    'InvalidParameter',
    /incremntal/,
  ],
  [
    'a text for a boolean',
    (rig) => rig.body('disk0', { incremental: 'true' }),
    'InvalidParameter',
    /incremental/,
  ],
  [
    'an unknown SKU',
    (rig) => rig.body('disk0', {}, { sku: { name: 'Fast' } }),
    'InvalidParameter',
    /sku/,
  ],
  [
    'CopyStart',
    (rig) =>
      rig.body('disk0', {
        creationData: { createOption: 'CopyStart', sourceResourceId: rig.lab.diskId('disk0') },
      }),
    'InvalidParameter',
    /Copy/,
  ],
  [
    'a source that is no disk',
    (rig) => source(rig, rig.lab.diskId('disk0').replace('Microsoft.C', 'MicrosoftC')),
    'InvalidParameter',
    /not that of a disk/,
  ],
  [
    'a disk that is not there',
    (rig) => source(rig, rig.lab.diskId('nothing')),
    'ResourceNotFound',
    /nothing/,
  ],
  ['a disk that is gone', (rig) => rig.body('disk2'), 'ResourceNotFound', /disk2/],
  ['an ephemeral disk', (rig) => rig.body('disk3'), 'OperationNotAllowed', /ephemeral/],
  [
    'an edge zone that the disk has not',
    (rig) => rig.body('disk0', {}, { extendedLocation: { name: 'x', type: 'EdgeZone' } }),
    'InvalidParameter',
    /extended/,
  ],
  [
    'instant access of a Premium SSD',
    (rig) => minutes(rig, 'disk0', 60),
    'InvalidParameter',
    /Instant access/,
  ],
  [
    'too long an instant access',
    (rig) => minutes(rig, 'disk1', 301),
    'InvalidParameter',
    /instantAccess/,
  ],
  [
    'a full copy of a Premium SSD v2',
    (rig) => rig.body('disk1', { incremental: undefined }),
    'BadRequest',
    /incremental/,
  ],
];
test('refuses every wrong body, and makes nothing', async () => {
  const disks = [{}, V2, { missing: true }, { ephemeral: true }];
  await using rig = await Rig.start({ limits: 'none' }, disks);
  for (const [what, body, code, text] of cases) {
    const reply = await rig.arm('PUT', rig.snapshotPath('s1'), body(rig));
    assert.is(codeOf(reply), code, what);
    assert.match(JSON.stringify(reply.body), text, what);
    assert.ok(reply.status >= 400 && reply.status < 500, what);
  }
  assert.equal(await rig.lab.snapshots(), []);
});

test('refuses names that are none, groups that do not exist and versions that are none', async () => {
  await using rig = await Rig.start();
  const put = async (target: string): Promise<unknown> =>
    codeOf(await rig.arm('PUT', target, rig.body()));
  const version = '?api-version=2025-01-02';
  assert.is(await put(rig.snapshotPath('a'.repeat(81))), 'InvalidParameter');
  assert.is(await put(rig.snapshotPath('a%20b')), 'InvalidParameter');
  assert.is(
    await put(rig.lab.resourceId('snapshots/s1', 'elsewhere') + version),
    'ResourceGroupNotFound',
  );
  assert.is(await put(rig.lab.resourceId('snapshots/s1')), 'MissingApiVersionParameter');
  assert.is(
    await put(`${rig.lab.resourceId('snapshots/s1')}?api-version=2099-01-01`),
    'NoRegisteredProviderFound',
  );
});

test('takes JSON alone', async () => {
  await using rig = await Rig.start();
  const headers = { Authorization: `Bearer ${await rig.token()}`, 'Content-Type': 'text/plain' };
  const reply = await rig.armWith(headers, 'PUT', rig.snapshotPath('s1'));
  assert.is(reply.status, 415);
  assert.is(codeOf(reply), 'UnsupportedMediaType');
});

test('takes what section 2 allows', async () => {
  await using rig = await Rig.start(
    { vm: { edgeZone: 'losangeles', location: 'West US' }, limits: 'none' },
    [{}, V2],
  );
  const others = {
    location: 'westus',
    extendedLocation: { name: 'LosAngeles', type: 'EdgeZone' },
    tags: { run: '1' },
    sku: { name: 'Standard_ZRS' },
  };
  const full = { networkAccessPolicy: 'DenyAll', publicNetworkAccess: 'Disabled' };
  const reply = await rig.arm('PUT', rig.snapshotPath('s1'), rig.body('disk0', full, others));
  assert.is(reply.status, 202);
  const body = { ...minutes(rig, 'disk1', 60), ...others };
  assert.is((await rig.arm('PUT', rig.snapshotPath('s2'), body)).status, 202);
  const taken = await rig.arm('GET', rig.snapshotPath('s1'));
  assert.is(at(taken, 'tags.run'), '1');
  assert.is(at(taken, 'sku.name'), 'Standard_ZRS');
  assert.is(at(taken, 'properties.networkAccessPolicy'), 'DenyAll');
});

test.run();
