import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { at, COMPUTE_VERSION, DISK_VERSION, type Reply, Rig } from './fixtures/rig.ts';

const test = suite('permissions, locks and policies of the lab');

type Ask = (rig: Rig) => Promise<Reply>;
const compute = (typeAndName: string, rig: Rig): string =>
  `${rig.lab.resourceId(typeAndName)}?${COMPUTE_VERSION}`;
const asks: readonly (readonly [action: string, ask: Ask])[] = [
  ['disks/read', (rig) => rig.arm('GET', `${rig.lab.diskId('disk0')}?${DISK_VERSION}`)],
  ['virtualMachines/read', (rig) => rig.arm('GET', compute('virtualMachines/lab-vm', rig))],
  ['snapshots/write', (rig) => rig.put('s1')],
  ['snapshots/read', (rig) => rig.arm('GET', rig.snapshotPath('s1'))],
  ['snapshots/read', (rig) => rig.arm('GET', `${rig.lab.resourceId('snapshots')}?${DISK_VERSION}`)],
  ['snapshots/delete', (rig) => rig.arm('DELETE', rig.snapshotPath('s1'))],
  [
    'restorePointCollections/read',
    (rig) => rig.arm('GET', compute('restorePointCollections/c', rig)),
  ],
  [
    'restorePointCollections/write',
    (rig) => rig.arm('PUT', compute('restorePointCollections/c', rig), {}),
  ],
  [
    'restorePointCollections/delete',
    (rig) => rig.arm('DELETE', compute('restorePointCollections/c', rig)),
  ],
  [
    'restorePointCollections/restorePoints/write',
    (rig) => rig.arm('PUT', compute('restorePointCollections/c/restorePoints/p', rig), {}),
  ],
  [
    'restorePointCollections/restorePoints/read',
    (rig) => rig.arm('GET', compute('restorePointCollections/c/restorePoints/p', rig)),
  ],
  [
    'restorePointCollections/restorePoints/delete',
    (rig) => rig.arm('DELETE', compute('restorePointCollections/c/restorePoints/p', rig)),
  ],
];
test('each action is refused by its name, once it is taken away', async () => {
  await using rig = await Rig.start();
  for (const [action, ask] of asks) {
    assert.is.not((await ask(rig)).status, 403, action);
    await rig.lab.deny(`Microsoft.Compute/${action}`);
    const refused = await ask(rig);
    assert.is(refused.status, 403, action);
    assert.is(at(refused, 'error.code'), 'AuthorizationFailed');
    assert.match(
      String(at(refused, 'error.message')),
      `perform action 'Microsoft.Compute/${action}' over scope '/subscriptions/`,
    );
    await rig.lab.setGrants([{ actions: ['*'], scope: '' }]);
  }
});

test('without the right to read the disk’s data, the PUT is refused as linked, for that disk', async () => {
  await using rig = await Rig.start({}, [{}, {}]);
  await rig.lab.deny('Microsoft.Compute/disks/beginGetAccess/action', rig.lab.diskId('disk1'));
  assert.is((await rig.put('s0', 'disk0')).status, 202);
  const refused = await rig.put('s1', 'disk1');
  assert.is(refused.status, 403);
  assert.is(at(refused, 'error.code'), 'LinkedAuthorizationFailed');
  assert.match(String(at(refused, 'error.message')), rig.lab.diskId('disk1'));
});

test('without the right to poll, the snapshot itself can be asked', async () => {
  await using rig = await Rig.start({ operation: { durationMs: 0, inProgress: 1 } });
  await rig.lab.deny('Microsoft.Compute/locations/DiskOperations/read');
  const accepted = await rig.put('s1');
  const poll = await rig.arm('GET', accepted.headers['azure-asyncoperation'] ?? '');
  assert.is(poll.status, 403);
  let state: unknown;
  while (state !== 'Succeeded') {
    state = at(await rig.arm('GET', rig.snapshotPath('s1')), 'properties.provisioningState');
  }
});

test('grants are for an identity, on a scope and below it, with * for anything', async () => {
  await using rig = await Rig.start();
  const get = async (): Promise<number> =>
    (await rig.arm('GET', `${rig.lab.diskId('disk0')}?${DISK_VERSION}`)).status;
  const [identity] = rig.lab.identities;
  const group = rig.lab.resourceId('').replace(/\/providers.*$/, '');
  const actions = ['Microsoft.Compute/*/read'];
  await rig.lab.setGrants([{ actions, scope: group.toUpperCase() }]);
  assert.is(await get(), 200);
  await rig.lab.setGrants([{ actions, scope: group.slice(0, -1) }]);
  assert.is(await get(), 403);
  await rig.lab.setGrants([{ actions, scope: group, clientId: 'another' }]);
  assert.is(await get(), 403);
  await rig.lab.setGrants([{ actions, scope: group, clientId: identity?.clientId ?? '' }]);
  assert.is(await get(), 200);
});

test('the rights on a scope, and the locks on it, can be listed', async () => {
  await using rig = await Rig.start();
  const disk = rig.lab.diskId('disk0');
  await rig.lab.setGrants([
    { actions: ['Microsoft.Compute/disks/read', 'Microsoft.Authorization/*/read'], scope: disk },
  ]);
  await rig.lab.setLocks([{ name: 'keep', level: 'ReadOnly', scope: disk }]);
  const version = 'api-version=2022-04-01';
  const list = (what: string): Promise<Reply> =>
    rig.arm('GET', `${disk}/providers/Microsoft.Authorization/${what}?${version}`);
  assert.is(at(await list('permissions'), 'value.0.actions.0'), 'Microsoft.Compute/disks/read');
  const locks = await rig.arm(
    'GET',
    `${disk}/providers/Microsoft.Authorization/locks?api-version=2020-05-01`,
  );
  assert.is(at(locks, 'value.0.properties.level'), 'ReadOnly');
});

test('a read-only lock stops snapshots and deletes, one against deletion only deletes', async () => {
  await using rig = await Rig.start();
  const scope = rig.lab.resourceId('').replace(/\/providers.*$/, '');
  const codes = async (): Promise<readonly unknown[]> => {
    const put = await rig.put('s1');
    const remove = await rig.arm('DELETE', rig.snapshotPath('s1'));
    return [put, remove].map((reply) => at(reply, 'error.code') ?? reply.status);
  };
  await rig.lab.setLocks([{ name: 'l', level: 'ReadOnly', scope }]);
  assert.equal(await codes(), ['ScopeLocked', 'ScopeLocked']);
  await rig.lab.setLocks([{ name: 'l', level: 'CanNotDelete', scope }]);
  assert.equal(await codes(), [202, 'ScopeLocked']);
  await rig.lab.setLocks([]);
  assert.equal(await codes(), [202, 202]);
});

test('policies deny by tag, network access and SKU', async () => {
  await using rig = await Rig.start();
  const scope = `/subscriptions/${rig.lab.vm.subscriptionId}`;
  const put = async (properties: object = {}, others: object = {}): Promise<unknown> => {
    const body = rig.body('disk0', properties, others);
    const reply = await rig.arm('PUT', rig.snapshotPath('s1'), body);
    return at(reply, 'error.code') ?? reply.status;
  };
  const denied = 'RequestDisallowedByPolicy';
  await rig.lab.setPolicies([{ name: 'tags', scope, missingTag: 'owner' }]);
  assert.is(await put(), denied);
  assert.is(await put({}, { tags: { owner: 'me' } }), 202);
  await rig.lab.setPolicies([{ name: 'net', scope, networkAccessPolicy: 'AllowAll' }]);
  assert.is(await put(), denied);
  assert.is(await put({ networkAccessPolicy: 'DenyAll' }), 202);
  await rig.lab.setPolicies([{ name: 'sku', scope, sku: 'Standard_LRS' }]);
  assert.is(await put(), denied);
  assert.is(await put({}, { sku: { name: 'Standard_ZRS' } }), 202);
});

test.run();
