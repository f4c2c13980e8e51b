import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import type { PlanSummary } from '../../src/report/plan-summary.ts';
import { planSummarySchema } from '../../src/report/schemas/plan-summary.ts';
import { suite } from '../suite.ts';
import { flashfreeze } from './command-line.ts';
import { blobServer, Rig } from './rig.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['strace'] });

const test = suite('flashfreeze plan');

test('shows disks, waves and which blob is behind which disk, without freezing', async () => {
  await using rig = await Rig.create([
    { type: 'ext4' },
    { type: 'xfs' },
    { type: 'ext4', imageOn: 0 },
  ]);
  const log = '/lab/plan.log';
  const ended = await flashfreeze(['plan', ...rig.blobArguments.slice(0, 4), '--json'], {
    under: ['strace', '-f', '-qq', '-e', 'trace=ioctl', '-e', 'signal=none', '-o', log],
  });
  assert.is(ended.exitCode, 0, ended.stderr);
  const plan: PlanSummary = v.parse(planSummarySchema, JSON.parse(ended.stdout));
  assert.equal(
    plan.blobs.map(({ device, because }) => ({ device, because })),
    rig.disks.disks.slice(0, 2).map(({ device }) => ({ device, because: 'by its content' })),
  );
  const waveOf = (index: number): number | undefined =>
    plan.fileSystems.find(({ mountPoint }) => mountPoint === rig.disks.disks[index]?.mountPoint)
      ?.wave;
  assert.is(waveOf(2), 1);
  assert.is(waveOf(0), 2);
  assert.ok(plan.fileSystems.every(({ usedBytes }) => usedBytes !== null));
  assert.not.match(await readFile(log, 'utf8'), 'FIFREEZE');
  assert.not.match(ended.stdout, 'sig=');
});

test('prints it for people; a blob that fits no disk is said and ends with 1', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const good = await flashfreeze(['plan', ...rig.blobArguments]);
  assert.is(good.exitCode, 0, good.stderr);
  assert.match(good.stdout, rig.disks.disks[0]?.mountPoint ?? '');
  assert.match(good.stdout, 'expected longest time that writers are blocked');
  const image = '/lab/foreign.img';
  await runCommand('truncate', ['--size', '64M', image]);
  await runCommand('mkfs.ext4', ['-q', '-F', image]);
  await using foreign = await blobServer([{ name: 'foreign', imagePath: image }]);
  const bad = await flashfreeze(['plan', '--blob', foreign.urls[0] ?? '']);
  assert.is(bad.exitCode, 1, bad.stderr);
  assert.match(bad.stdout, "matches none of this machine's disks");
});

test('patterns of --skip and --mount choose by mount point, type and disk', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const [first, second] = rig.disks.disks;
  const chosen = async (...args: string[]): Promise<string[]> => {
    const { stdout, stderr } = await flashfreeze(['plan', '--json', ...args]);
    assert.is(stderr, '');
    return (JSON.parse(stdout) as PlanSummary).fileSystems.map(({ mountPoint }) => mountPoint);
  };
  assert.equal(await chosen('--skip', 'type:xfs'), [first?.mountPoint]);
  assert.equal(await chosen('--mount', 'type:xfs'), [second?.mountPoint]);
  assert.equal(await chosen('--skip', `${first?.mountPoint}*`), [second?.mountPoint]);
  const { disks } = JSON.parse(
    (await flashfreeze(['plan', '--json', '--mount', 'type:ext4'])).stdout,
  ) as PlanSummary;
  const disk = disks.find(({ frozen }) => frozen)?.device ?? '';
  assert.equal(await chosen('--mount', `disk:${disk}`), [first?.mountPoint]);
  const { stdout } = await flashfreeze(['plan', '--skip', 'type:zfs']);
  assert.match(stdout, 'type:zfs is to be left out, but it matches nothing that is mounted');
});

test('a --skip that leaves nothing out, and a frozen disk without a blob, are told', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const [url = ''] = rig.server.urls;
  const { stdout } = await flashfreeze(['plan', '--skip', '/lab/nowhere', '--blob', url]);
  assert.match(stdout, /! \/lab\/nowhere is to be left out, but nothing is mounted there\n/);
  const without = rig.disks.disks[1]?.device ?? 'no device';
  assert.match(stdout, `no blob is given for ${without} `);
  const whole = await flashfreeze(['plan', ...rig.blobArguments, '--skip', '/lab']);
  assert.not.match(whole.stdout, 'no blob is given');
});

test('a mount point that is none ends with 2', async () => {
  await using _rig = await Rig.create([{ type: 'ext4' }]);
  const ended = await flashfreeze(['plan', '--mount', '/nowhere']);
  assert.is(ended.exitCode, 2);
  assert.match(ended.stderr, 'FF_MOUNT_NOT_FOUND');
});

test.run();
