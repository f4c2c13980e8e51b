import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import type { ManagedDisk } from '../../../src/lab/managed/model.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import type { PlanSummary } from '../../../src/report/plan-summary.ts';
import { planSummarySchema } from '../../../src/report/schemas/plan-summary.ts';
import { type Ended, flashfreeze, type RunOptions } from '../../commands/command-line.ts';
import { suite } from '../../suite.ts';
import { ManagedScene } from './fixtures/scene.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['strace'] });

const test = suite('flashfreeze plan --managed');
const DISKS = [{ type: 'ext4' }, { type: 'xfs' }, { type: 'ext4' }] as const;

type Managed = NonNullable<PlanSummary['managed']>;

function plan(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return flashfreeze(['plan', '--managed', ...args], options);
}

async function planned(
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly ended: Ended; readonly summary: PlanSummary; readonly managed: Managed }> {
  const ended = await plan(['--json', ...args], options);
  const summary: PlanSummary = v.parse(planSummarySchema, JSON.parse(ended.stdout));
  assert.ok(summary.managed !== null, ended.stderr);
  return { ended, summary, managed: summary.managed };
}

test('shows each disk with LUN, kind, device and the name of its snapshot; makes and freezes nothing', async () => {
  await using scene = await ManagedScene.create(DISKS, {}, [{}, { sku: 'PremiumV2_LRS' }]);
  const log = '/lab/plan.log';
  const under = ['strace', '-f', '-qq', '-e', 'trace=ioctl', '-e', 'signal=none', '-o', log];
  const { ended, managed, summary } = await planned(['--resource-group', 'lab-group'], { under });
  assert.is(ended.exitCode, 0, ended.stderr);
  const devices = scene.disks.disks.map(({ device }) => device);
  const folder = scene.lab.resourceId('snapshots');
  assert.equal(
    managed.disks.map(({ lun, role, name, sku, device, decision, snapshot }) => ({
      ...{ lun, role, name, sku, device, decision, snapshot },
    })),
    devices.map((device, index) => ({
      ...{ lun: index === 0 ? null : index - 1, role: index === 0 ? 'os' : 'data' },
      ...{ name: `disk${index}`, sku: index === 1 ? 'PremiumV2_LRS' : 'Premium_LRS', device },
      decision: 'taken',
      snapshot: `${folder}/lab-vm-disk${index}-${index === 0 ? 'os' : `lun${index - 1}`}-<time>-<id>`,
    })),
  );
  assert.match(managed.disks[1]?.because ?? '', 'copies the data of its snapshots');
  assert.equal([managed.withoutSnapshot, managed.isWhole, summary.warnings], [[], true, []]);
  assert.ok(summary.expectedWindow.low > 2_000);
  assert.not.match(await readFile(log, 'utf8'), 'FIFREEZE');
  const calls = await scene.lab.requests();
  assert.ok(calls.every(({ method }) => method === 'GET'));
  assert.equal(await scene.lab.violations(), []);
  assert.not.match(`${ended.stdout}${ended.stderr}`, /eyJ|Bearer/);
});

test('says it for people, with the prefix that was asked for', async () => {
  await using scene = await ManagedScene.create(DISKS);
  const ended = await plan(['--name-prefix', 'nightly']);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.match(
    ended.stdout,
    /^ os {2}disk0 +Premium_LRS +64\.0 +\/dev\/loop\d+ +nightly-disk0-os-<time>-<id> *$/m,
  );
  assert.match(
    ended.stdout,
    `the snapshots are made in ${scene.lab.resourceId('').split('/providers')[0]}`,
  );
});

interface Case {
  readonly name: string;
  readonly ofDisks?: readonly Partial<ManagedDisk>[];
  readonly args?: readonly string[];
  readonly exitCode: number;
  /** Of the disk with LUN 0. */
  readonly decision: Managed['disks'][number]['decision'];
  readonly says: RegExp;
}

const CASES: readonly Case[] = [
  {
    name: 'a disk that several VMs share',
    ofDisks: [{}, { maxShares: 2 }],
    ...{ exitCode: 1, decision: 'refused', says: /up to 2 VMs share this disk/ },
  },
  {
    name: 'a page blob',
    ofDisks: [{}, { vhdUri: 'https://acct.blob.core.windows.net/vhds/data.vhd' }],
    ...{ exitCode: 1, decision: 'unsupported', says: /it is a page blob/ },
  },
  {
    name: 'a disk that the options leave out',
    args: ['--exclude-lun', '0'],
    ...{ exitCode: 0, decision: 'left-out', says: /named by --exclude-lun/ },
  },
  {
    name: 'a disk that is gone',
    ofDisks: [{}, { missing: true }],
    ...{ exitCode: 1, decision: 'refused', says: /does not exist/ },
  },
];

for (const { name, ofDisks = [], args = [], exitCode, decision, says } of CASES) {
  test(`${name}: the file system on it is frozen without a snapshot`, async () => {
    await using scene = await ManagedScene.create(DISKS, {}, ofDisks);
    const { ended, managed } = await planned(args);
    assert.is(ended.exitCode, exitCode, ended.stdout);
    const disk = managed.disks.find(({ lun }) => lun === 0);
    assert.is(disk?.decision, decision);
    assert.match(disk?.because ?? '', says);
    assert.is(disk?.snapshot, null);
    assert.equal(managed.withoutSnapshot, [scene.disks.disks[1]?.mountPoint]);
    assert.is(managed.isWhole, exitCode === 0);
  });
}

test('an ephemeral OS disk is unsupported, and what is frozen on it is named', async () => {
  await using scene = await ManagedScene.create(DISKS, {}, [{ ephemeral: true }]);
  const ended = await plan([]);
  assert.is(ended.exitCode, 1, ended.stdout);
  assert.match(ended.stdout, 'ephemeral OS disk');
  assert.match(ended.stdout, `frozen without a snapshot: ${scene.disks.disks[0]?.mountPoint}`);
});

test('without an identity, or beside blobs, it ends with 2', async () => {
  await using scene = await ManagedScene.create(DISKS.slice(0, 1));
  await scene.lab.setIdentities([]);
  const refused = await plan([]);
  assert.equal([refused.exitCode, refused.stdout], [2, '']);
  assert.match(refused.stderr, 'FF_IDENTITY_UNUSABLE');
  const beside = await plan(['--blob', 'https://a.blob.core.windows.net/c/b?sig=x']);
  assert.is(beside.exitCode, 2);
  assert.match(beside.stderr, 'FF_USAGE');
});

test.run();
