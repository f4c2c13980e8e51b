import * as assert from 'uvu/assert';
import * as v from 'valibot';
import type { DoctorReport } from '../../../src/doctor/doctor-types.ts';
import type { ManagedLab } from '../../../src/lab/managed/managed-lab.ts';
import type { ManagedDisk } from '../../../src/lab/managed/model.ts';
import { type ManagedLabOptions, userIdentity } from '../../../src/lab/managed/options.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { doctorReportSchema } from '../../../src/report/schemas/doctor-report.ts';
import { snapshotRole } from '../../../src/snapshot/managed/role.ts';
import { flashfreeze } from '../../commands/command-line.ts';
import { suite } from '../../suite.ts';
import { ManagedScene } from './fixtures/scene.ts';

await enterLab({ lifetimeSeconds: 900 });

const test = suite('flashfreeze doctor --managed');
const DISKS = [{ type: 'ext4' }, { type: 'xfs' }] as const;
const SUBSCRIPTION = '11111111-2222-3333-4444-555555555555';
const GROUP = `/subscriptions/${SUBSCRIPTION}/resourceGroups/lab-group`;
const OWN = [
  'metadata',
  'identity',
  'resource-manager',
  'snapshot-group',
  'managed-disk',
  'managed-set',
  'rights',
  'locks',
];

interface Examined extends DoctorReport {
  readonly exitCode: number | null;
  /** The checks of managed disks only: the lab is no healthy VM otherwise. */
  readonly own: DoctorReport['checks'];
}

async function examine(...args: readonly string[]): Promise<Examined> {
  const ended = await flashfreeze(['doctor', '--managed', '--json', ...args]);
  assert.not.match(`${ended.stdout}${ended.stderr}`, /eyJ|Bearer/);
  const report = v.parse(doctorReportSchema, JSON.parse(ended.stdout));
  const own = report.checks.filter(({ id }) => OWN.includes(id));
  return { ...report, own, exitCode: ended.exitCode };
}

test('says identity, token, disks and rights, and the role and its lines with the real names', async () => {
  await using scene = await ManagedScene.create(DISKS, {}, [{}, { sku: 'UltraSSD_LRS' }]);
  const [identity] = scene.lab.identities;
  const { own, managed } = await examine();
  assert.equal(
    own.map(({ id, status }) => [id, status]),
    [
      'metadata',
      'identity',
      'resource-manager',
      'managed-disk',
      'managed-disk',
      'rights',
      'locks',
    ].map((id) => [id, 'ok']),
  );
  const [metadata, token, manager, os, data, rights] = own.map(({ finding }) => finding);
  assert.match(metadata ?? '', 'lab-vm in westeurope, resource group lab-group: 2 disks');
  assert.match(
    token ?? '',
    `system-assigned identity, client id ${identity?.clientId}, principal id ${identity?.objectId}: its token expires at 2`,
  );
  assert.match(manager ?? '', 'https://management.azure.com answers');
  const device = scene.disks.disks[0]?.device;
  assert.match(
    os ?? '',
    `the OS disk (disk0): Premium_LRS, 64 MB, Attached, ${device}, 0 of 500 incremental snapshots, 0 of 7 in`,
  );
  assert.match(
    data ?? '',
    /LUN 0 \(disk1\): UltraSSD_LRS, .* at most 3 snapshots of it at the same time/,
  );
  assert.match(rights ?? '', 'has every right');
  assert.equal(managed?.role, snapshotRole([SUBSCRIPTION]));
  assert.equal(managed?.commands, [
    'az role definition create --role-definition role.json',
    `az role assignment create --assignee-object-id ${identity?.objectId} --assignee-principal-type ServicePrincipal --role 'flashfreeze snapshots' --scope '${GROUP}'`,
  ]);
  assert.ok((await scene.lab.requests()).every(({ method }) => method === 'GET'));
  assert.equal(await scene.lab.violations(), []);
});

test('prints it for people', async () => {
  await using _scene = await ManagedScene.create(DISKS);
  const { stdout } = await flashfreeze(['doctor', '--managed']);
  assert.match(stdout, '✓ resource-manager: https://management.azure.com answers');
  assert.match(stdout, `"/subscriptions/${SUBSCRIPTION}"`);
  assert.match(stdout, '\naz role assignment create --assignee-object-id ');
});

interface Case {
  readonly name: string;
  readonly options?: Partial<ManagedLabOptions>;
  readonly ofDisks?: readonly Partial<ManagedDisk>[];
  readonly arrange?: (lab: ManagedLab) => Promise<unknown>;
  readonly args?: readonly string[];
  readonly id: string;
  readonly status: 'ok' | 'warning' | 'failed';
  readonly says: RegExp;
}

const deny = (action: string) => (lab: ManagedLab) => lab.deny(action);

const CASES: readonly Case[] = [
  {
    name: 'no metadata',
    arrange: (lab) => lab.stop('metadata'),
    ...{ id: 'metadata', status: 'failed', says: /169\.254\.169\.254 does not answer/ },
  },
  {
    name: 'no identity',
    arrange: (lab) => lab.setIdentities([]),
    ...{ id: 'identity', status: 'failed', says: /az vm identity assign/ },
  },
  {
    name: 'two identities and none chosen',
    options: { identities: [userIdentity('a'), userIdentity('b')] },
    ...{ id: 'identity', status: 'failed', says: /--identity <client id>/ },
  },
  {
    name: 'a user-assigned identity that is chosen',
    options: { identities: [userIdentity('a'), userIdentity('b')] },
    args: ['<first identity>'],
    ...{ id: 'identity', status: 'ok', says: /^user-assigned identity/ },
  },
  {
    name: 'a token of a short life',
    options: { tokenLifetimeSeconds: 100 },
    ...{ id: 'identity', status: 'warning', says: /before a run could end/ },
  },
  {
    name: 'a resource manager that is down',
    arrange: (lab) => lab.stop('arm'),
    ...{ id: 'resource-manager', status: 'failed', says: /refuses the connection/ },
  },
  {
    name: 'a gateway in place of the resource manager',
    arrange: (lab) =>
      lab.setFault({
        call: 'any-resource',
        fault: { kind: 'answer', status: 200, body: '<html>' },
      }),
    ...{ id: 'resource-manager', status: 'failed', says: /not from the resource manager/ },
  },
  {
    name: 'a group for the snapshots that does not exist',
    args: ['--resource-group', 'nowhere'],
    ...{ id: 'snapshot-group', status: 'failed', says: /the resource group does not exist/ },
  },
  {
    name: 'a disk that is shared',
    ofDisks: [{}, { maxShares: 2 }],
    ...{ id: 'managed-disk', status: 'failed', says: /LUN 0 \(disk1\): up to 2 VMs share/ },
  },
  {
    name: 'a disk that is gone',
    ofDisks: [{}, { missing: true }],
    ...{ id: 'managed-disk', status: 'failed', says: /LUN 0 .*does not exist/ },
  },
  {
    name: 'a page blob',
    ofDisks: [{}, { vhdUri: 'https://acct.blob.core.windows.net/vhds/data.vhd' }],
    ...{ id: 'managed-disk', status: 'warning', says: /it is a page blob/ },
  },
  {
    name: 'no right to read disks',
    arrange: deny('Microsoft.Compute/disks/read'),
    ...{
      id: 'rights',
      status: 'failed',
      says: /lacks Microsoft\.Compute\/disks\/read on .*disk0, .*disk1$/,
    },
  },
  {
    name: 'no right to write snapshots, nor to the data of a disk',
    arrange: async (lab) => {
      await lab.deny('Microsoft.Compute/snapshots/write');
      await lab.deny('Microsoft.Compute/disks/beginGetAccess/action', lab.diskId('disk1'));
    },
    ...{
      id: 'rights',
      status: 'failed',
      says: /lacks Microsoft\.Compute\/snapshots\/write on \/subscriptions\/[^/]*\/resourceGroups\/lab-group$/,
    },
  },
  {
    name: 'no right to read operations, which is not needed',
    arrange: deny('Microsoft.Compute/locations/DiskOperations/read'),
    ...{ id: 'rights', status: 'ok', says: /lacks Microsoft\.Compute\/locations\/DiskOperations/ },
  },
  {
    name: 'rights that cannot be seen',
    arrange: deny('Microsoft.Authorization/permissions/read'),
    ...{ id: 'rights', status: 'warning', says: /may not see its rights/ },
  },
  {
    name: 'a read-only lock',
    options: { locks: [{ name: 'keep', level: 'ReadOnly', scope: GROUP }] },
    ...{ id: 'locks', status: 'failed', says: /read-only lock .*locks\/keep forbids/ },
  },
  {
    name: 'locks that cannot be seen',
    arrange: deny('Microsoft.Authorization/locks/read'),
    ...{ id: 'locks', status: 'warning', says: /may not see locks/ },
  },
];

for (const it of CASES) {
  test(`${it.name}: ${it.status}`, async () => {
    await using scene = await ManagedScene.create(DISKS, it.options, it.ofDisks);
    await it.arrange?.(scene.lab);
    const args = (it.args ?? []).flatMap((word) =>
      word === '<first identity>' ? ['--identity', scene.lab.identities[0]?.clientId ?? ''] : word,
    );
    const { own, exitCode } = await examine(...args);
    const found = own.filter(({ id, status }) => id === it.id && status === it.status);
    assert.ok(
      found.some(({ finding }) => it.says.test(finding)),
      JSON.stringify(own, null, 1),
    );
    if (it.status === 'failed') {
      assert.is(exitCode, 1);
    }
  });
}

test('counts the snapshots of each disk, over several pages', async () => {
  const options = {
    pageSize: 1,
    backgroundCopyMs: 3_600_000,
    operation: { retryAfterSeconds: undefined },
  };
  await using _scene = await ManagedScene.create(DISKS, options, [{}, { sku: 'PremiumV2_LRS' }]);
  for (let run = 0; run < 3; run += 1) {
    const { exitCode, stderr } = await flashfreeze(['snapshot', '--managed']);
    assert.is(exitCode, 0, stderr);
  }
  const [os, data] = (await examine()).own.filter(({ id }) => id === 'managed-disk');
  assert.match(
    os?.finding ?? '',
    '3 of 500 incremental snapshots, 3 of 7 in the last five minutes',
  );
  assert.is(data?.status, 'warning');
  assert.match(data?.finding ?? '', 'still copying the data of 3 snapshots of it');
});

test('a user name and a password of the proxy are not shown', async () => {
  await using scene = await ManagedScene.create(DISKS.slice(0, 1));
  const under = ['env', 'HTTPS_PROXY=http://user:verysecret@127.0.0.1:9'];
  const ended = await flashfreeze(['doctor', '--managed'], { under });
  assert.match(ended.stdout, /✗ resource-manager: .*proxy/);
  assert.not.match(`${ended.stdout}${ended.stderr}`, 'verysecret');
  assert.equal(await scene.lab.violations(), []);
});

test('without an identity the lines begin with one', async () => {
  await using scene = await ManagedScene.create(DISKS.slice(0, 1));
  await scene.lab.setIdentities([]);
  const { managed } = await examine();
  assert.match(
    managed?.commands[0] ?? '',
    "az vm identity assign --resource-group 'lab-group' --name 'lab-vm'",
  );
  assert.match(managed?.commands[2] ?? '', "--assignee-object-id '<principal id>'");
});

test.run();
