import type { Dispatcher } from 'undici';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { at, Rig } from './fixtures/rig.ts';

const test = suite('instance metadata of the lab');

const COMPUTE = 'instance/compute?api-version=2021-12-13';
const TOKEN = 'identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com/';
const GOOD = { Metadata: 'true' };

type Refusal = readonly [
  what: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  method: Dispatcher.HttpMethod,
  status: number,
  error: string,
];
const refusals: readonly Refusal[] = [
  ['no Metadata header', COMPUTE, {}, 'GET', 400, 'Bad request'],
  ['Metadata: True', COMPUTE, { Metadata: 'True' }, 'GET', 400, 'Bad request'],
  ['no Metadata header for a token', TOKEN, {}, 'GET', 400, 'bad_request_102'],
  ['X-Forwarded-For', COMPUTE, { ...GOOD, 'X-Forwarded-For': '' }, 'GET', 400, 'Bad request'],
  [
    'X-Forwarded-For for a token',
    TOKEN,
    { ...GOOD, 'X-Forwarded-For': '10.0.0.1' },
    'GET',
    400,
    'invalid_request',
  ],
  ['no version', 'instance/compute', GOOD, 'GET', 400, 'Bad request'],
  [
    'a version of no day',
    'instance/compute?api-version=2021-12-14',
    GOOD,
    'GET',
    400,
    'Bad request',
  ],
  ['a version twice', `${COMPUTE}&api-version=2021-12-13`, GOOD, 'GET', 400, 'Bad request'],
  ['a parameter twice', `${TOKEN}&client_id=1&client_id=1`, GOOD, 'GET', 400, 'invalid_request'],
  ['POST', COMPUTE, GOOD, 'POST', 405, 'Method Not Allowed'],
  ['PUT of a token', TOKEN, GOOD, 'PUT', 405, 'Method Not Allowed'],
  ['no such element', 'instance/disks?api-version=2021-12-13', GOOD, 'GET', 404, 'Not found'],
];
test('refuses what section 1 names', async () => {
  await using rig = await Rig.start();
  for (const [what, path, headers, method, status, error] of refusals) {
    const reply = await rig.metadata(path, headers, method);
    // Not more than five in a second.
    const again = reply.status === 429 ? await afterASecond(rig, path, headers, method) : reply;
    assert.is(again.status, status, what);
    assert.is(at(again, 'error'), error, what);
  }
});

async function afterASecond(
  rig: Rig,
  path: string,
  headers: Readonly<Record<string, string>>,
  method: Dispatcher.HttpMethod,
) {
  await new Promise((resolve) => setTimeout(resolve, 1001));
  return await rig.metadata(path, headers, method);
}

test('names its newest versions to a request without one', async () => {
  await using rig = await Rig.start();
  const reply = await rig.metadata('instance/compute');
  assert.is(at(reply, 'newest-versions.0'), '2025-04-07');
});

test('the sixth request of a second is refused, and tokens have a limit of their own', async () => {
  await using rig = await Rig.start();
  const replies = await Promise.all(Array.from({ length: 6 }, () => rig.metadata(COMPUTE)));
  assert.equal(replies.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 429]);
  assert.is((await rig.tokenReply()).status, 200);
});

test('410 for a while, then well', async () => {
  await using rig = await Rig.start();
  const fault = { kind: 'error', status: 410, code: 'Gone', message: 'being updated' } as const;
  await rig.lab.setFault({ call: 'any-metadata', times: 2, fault });
  const statuses = [];
  for (let count = 0; count < 3; count += 1) {
    statuses.push((await rig.metadata(COMPUTE)).status);
  }
  assert.equal(statuses, [410, 410, 200]);
});

function leaves(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null
    ? Object.values(value).flatMap(leaves)
    : [value];
}

test('every leaf is a string, for every kind of disk', async () => {
  await using rig = await Rig.start(
    { vm: { edgeZone: 'losangeles', securityType: 'TrustedLaunch', encryptionAtHost: true } },
    [
      { lun: -1, ephemeral: true, encryptedInGuest: true },
      { sku: 'UltraSSD_LRS', maxShares: 2 },
      { vhdUri: 'https://lab.blob.core.windows.net/vhds/a.vhd' },
      { hiddenFromMetadata: true },
    ],
  );
  const reply = await rig.metadata(COMPUTE);
  assert.ok(leaves(reply.body).every((leaf) => typeof leaf === 'string'));
  const profile = 'storageProfile';
  assert.is(at(reply, `${profile}.osDisk.diffDiskSettings.option`), 'Local');
  assert.is(at(reply, `${profile}.osDisk.encryptionSettings.enabled`), 'true');
  assert.is(at(reply, `${profile}.dataDisks.0.lun`), '1');
  assert.is(at(reply, `${profile}.dataDisks.0.isSharedDisk`), 'true');
  assert.is(at(reply, `${profile}.dataDisks.1.managedDisk.id`), '');
  assert.match(String(at(reply, `${profile}.dataDisks.1.vhd.uri`)), /^https:/);
  assert.is(at(reply, `${profile}.dataDisks.length`), 2);
  assert.is(at(reply, 'extendedLocation.name'), 'losangeles');
});

test('a version shows only the fields that it has', async () => {
  await using rig = await Rig.start();
  const old = await rig.metadata('instance/compute?api-version=2019-02-01');
  assert.is(at(old, 'resourceId'), undefined);
  assert.is(at(old, 'storageProfile'), undefined);
  assert.is(at(old, 'azEnvironment'), 'AzurePublicCloud');
});

test('a disk that is attached or detached shows at once, and groups may be shouted', async () => {
  await using rig = await Rig.start({ vm: { shoutsGroups: true } });
  await rig.lab.addDisk({ name: 'late', lun: 7 });
  await rig.lab.removeDisk('disk0');
  const reply = await rig.metadata(COMPUTE);
  assert.is(at(reply, 'storageProfile.dataDisks.length'), 1);
  assert.is(at(reply, 'storageProfile.dataDisks.0.lun'), '7');
  assert.is(at(reply, 'resourceGroupName'), 'LAB-GROUP');
  assert.match(String(at(reply, 'storageProfile.dataDisks.0.managedDisk.id')), /LAB-GROUP/);
});

test.run();
