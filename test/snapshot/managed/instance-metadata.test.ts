import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../../src/errors.ts';
import { resourceManagerOf } from '../../../src/snapshot/managed/clouds.ts';
import {
  askImds,
  type ImdsResult,
  type ImdsSend,
  pauseAfter,
} from '../../../src/snapshot/managed/imds-client.ts';
import { parseInstance, readInstance } from '../../../src/snapshot/managed/instance-metadata.ts';
import { suite } from '../../suite.ts';

const test = suite('instance metadata');
const S = '11111111-2222-3333-4444-555555555555';
const diskId = (name: string): string =>
  `/subscriptions/${S}/resourceGroups/RG/providers/Microsoft.Compute/disks/${name}`;

function compute(changes: object = {}, storage: object = {}): string {
  return JSON.stringify({
    azEnvironment: 'AzurePublicCloud',
    location: 'westeurope',
    name: 'vm1',
    resourceGroupName: 'rg',
    resourceId: `/subscriptions/${S}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1`,
    subscriptionId: S,
    vmId: 'b0f3',
    vmSize: 'Standard_D2s_v5',
    storageProfile: {
      osDisk: {
        name: 'os1',
        diffDiskSettings: { option: '' },
        managedDisk: { id: diskId('os1'), storageAccountType: 'Premium_LRS' },
        vhd: { uri: '' },
      },
      dataDisks: [
        { name: 'b', lun: '7', managedDisk: { id: diskId('b') } },
        { name: 'a', lun: '0', isSharedDisk: 'false', managedDisk: { id: diskId('a') } },
      ],
      ...storage,
    },
    ...changes,
  });
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof FlashfreezeError ? error.code : String(error);
  }
}

test('the OS disk comes first, then the data disks by LUN; values are strings', () => {
  const { vm, disks } = parseInstance(compute());
  assert.equal(
    disks.map(({ name, kind, lun, id }) => [name, kind, lun, id?.name]),
    [
      ['os1', 'os', -1, 'os1'],
      ['a', 'data', 0, 'a'],
      ['b', 'data', 7, 'b'],
    ],
  );
  assert.equal([vm.name, vm.group, vm.location], ['vm1', 'rg', 'westeurope']);
});

test('kinds of disks that no snapshot is taken of are recognised', () => {
  const { disks } = parseInstance(
    compute(
      {},
      {
        osDisk: { name: 'os1', diffDiskSettings: { option: 'Local' }, managedDisk: { id: '' } },
        dataDisks: [
          { name: 'shared', lun: '0', isSharedDisk: 'True', managedDisk: { id: diskId('shared') } },
          { name: 'page', lun: '1', managedDisk: { id: '' }, vhd: { uri: 'https://x/y.vhd' } },
          { name: 'odd', lun: 2, managedDisk: { id: 'MicrosoftCompute/disks/odd' } },
        ],
      },
    ),
  );
  assert.equal(
    disks.map((it) => [it.isEphemeral, it.isShared, it.isUnmanaged, it.id?.name]),
    [
      [true, false, false, undefined],
      [false, true, false, 'shared'],
      [false, false, true, undefined],
      [false, false, false, undefined],
    ],
  );
});

test('confidential VMs and write-accelerated disks are recognised', () => {
  const accelerated = { name: 'a', lun: '0', writeAcceleratorEnabled: 'True' };
  const { vm, disks } = parseInstance(
    compute({ securityProfile: { securityType: 'ConfidentialVM' } }, { dataDisks: [accelerated] }),
  );
  assert.is(vm.isConfidential, true);
  assert.equal(
    disks.map(({ isWriteAccelerated }) => isWriteAccelerated),
    [undefined, true],
  );
  const trusted = compute({ securityProfile: { securityType: 'TrustedLaunch' } });
  assert.is(parseInstance(trusted).vm.isConfidential, undefined);
});

test('an answer without the parts that are needed is refused with a code', () => {
  const table = [
    '<html>',
    '{}',
    compute({ subscriptionId: '' }),
    compute({ resourceGroupName: 'a/b' }),
    compute({}, { dataDisks: [{ name: 'x', lun: '' }] }),
    compute({ storageProfile: 'none' }),
  ];
  for (const text of table) {
    assert.is(
      codeOf(() => parseInstance(text)),
      'FF_METADATA_INVALID',
      text,
    );
  }
});

test('the id of the VM is made of its parts if the service gives none', () => {
  assert.match(
    parseInstance(compute({ resourceId: '' })).vm.resourceId?.text ?? '',
    '/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1',
  );
});

test('what may pass is asked again within 75 s, anything else is final', () => {
  const at = (status: number, retryAfterMs?: number): ImdsResult => ({
    ...{ status, retryAfterMs, body: '' },
  });
  const table: [ImdsResult, tries: number, elapsedMs: number, pauseMs: number | undefined][] = [
    [at(200), 1, 0, undefined],
    [at(400), 1, 0, undefined],
    [at(405), 1, 0, undefined],
    [at(404), 1, 0, 800],
    [at(429), 2, 1_000, 1_600],
    [at(429, 5_000), 1, 0, 5_000],
    [at(500), 3, 1_000, 3_200],
    [at(410), 1, 0, 3_000],
    [at(410), 6, 50_000, 16_000],
    [at(410), 7, 70_000, undefined],
    [{ unanswered: 'ECONNREFUSED' }, 1, 0, 800],
    [{ unanswered: 'ECONNREFUSED' }, 3, 3_000, undefined],
  ];
  for (const [result, tries, elapsedMs, pauseMs] of table) {
    assert.is(pauseAfter(result, tries, elapsedMs), pauseMs, JSON.stringify(result));
  }
});

test('a service that is busy once is asked again', async () => {
  const paths: string[] = [];
  const send: ImdsSend = async (path) => {
    paths.push(path);
    return paths.length === 1
      ? { status: 500, retryAfterMs: undefined, body: '' }
      : { status: 200, retryAfterMs: undefined, body: compute() };
  };
  const { disks } = await readInstance(send);
  assert.is(disks.length, 3);
  assert.is(paths.length, 2);
  assert.match(paths[0] ?? '', /^\/metadata\/instance\/compute\?api-version=/);
});

test('a refusal, and no answer, end with a code and say where to look', async () => {
  const refusing: ImdsSend = async () => ({ status: 400, retryAfterMs: undefined, body: '' });
  const dead: ImdsSend = async () => {
    throw Object.assign(new Error('no'), { code: 'EHOSTUNREACH' });
  };
  for (const send of [refusing, dead]) {
    try {
      await readInstance(send);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, FlashfreezeError);
      assert.is(error instanceof FlashfreezeError && error.code, 'FF_METADATA_UNREACHABLE');
      assert.match(String(error), 'inside an Azure VM');
    }
  }
  const result = await askImds('/metadata', dead);
  assert.equal(result, { unanswered: 'EHOSTUNREACH' });
});

test('each cloud has its resource manager; a name that is not known is refused', () => {
  const table: [string, string | undefined][] = [
    ['AzurePublicCloud', 'https://management.azure.com'],
    ['AZUREPUBLICCLOUD', 'https://management.azure.com'],
    ['', 'https://management.azure.com'],
    ['AzureUSGovernmentCloud', 'https://management.usgovcloudapi.net'],
    ['AzureChinaCloud', 'https://management.chinacloudapi.cn'],
    ['AzureGermanCloud', 'https://management.microsoftazure.de'],
  ];
  for (const [name, origin] of table) {
    assert.equal(resourceManagerOf(name), { origin, audience: `${origin}/` });
  }
  assert.is(
    codeOf(() => resourceManagerOf('MyStack')),
    'FF_DISK_UNSUPPORTED',
  );
});

test.run();
