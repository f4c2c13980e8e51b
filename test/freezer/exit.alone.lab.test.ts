import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';
import { FrozenWorker, gone, stop } from './frozen-worker.ts';
import { rcuExpedited, withRcuExpedited } from './grace-periods.ts';
import { writable } from './writer.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('exit while frozen');
const SPECS = [{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }] as const;

const mountPointsOf = ({ disks }: LabDisks): string[] => disks.map(({ mountPoint }) => mountPoint);

/** In all of these the guardian is stopped, so that only the exit itself can thaw. */
const ENDINGS: readonly (readonly [order: string, code: number, name: string])[] = [
  ['exit', 3, 'process.exit()'],
  ['throw', 1, 'an uncaught exception'],
];

for (const [order, code, name] of ENDINGS) {
  test(`${name} thaws and restores the grace periods without the guardian’s help`, async () => {
    using _normal = withRcuExpedited('0');
    await using lab = await LabDisks.create(SPECS);
    await using worker = await FrozenWorker.start(mountPointsOf(lab));
    await stop(worker.guardianPid);
    worker.order(order);
    assert.is(await worker.exited(), code);
    await writable(mountPointsOf(lab));
    assert.is(rcuExpedited(), '0');
    process.kill(worker.guardianPid, 'SIGCONT');
  });
}

test('a worker thread that is terminated thaws without the guardian’s help', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create(SPECS);
  const fixture = join(import.meta.dirname, 'fixtures', 'frozen-thread.ts');
  const thread = new Worker(fixture, { workerData: mountPointsOf(lab) });
  const [guardianPid] = (await once(thread, 'message')) as [number];
  await stop(guardianPid);
  await thread.terminate();
  await writable(mountPointsOf(lab));
  assert.is(rcuExpedited(), '0');
  process.kill(guardianPid, 'SIGCONT');
  await gone(guardianPid);
});

test('the default action of SIGTERM runs no hook, so the guardian thaws', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create(SPECS);
  await using worker = await FrozenWorker.start(mountPointsOf(lab));
  worker.kill('SIGTERM');
  assert.is(await worker.exited(), 'SIGTERM');
  await writable(mountPointsOf(lab));
  await gone(worker.guardianPid);
  assert.is(rcuExpedited(), '0');
});

test.run();
