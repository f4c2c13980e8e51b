import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { freezerControls } from '../../src/freezer/freezer.ts';
import { GUARDIAN_PATH, Guardian } from '../../src/freezer/guardian.ts';
import { ControlGroup, hierarchies } from '../../src/lab/control-group.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';
import { FrozenWorker, gone, stop } from './frozen-worker.ts';
import { rcuExpedited, withRcuExpedited } from './grace-periods.ts';
import { inMs, RecordedFreezer } from './recorded-freezer.ts';
import { Writer, writable } from './writer.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('guardian');
const THREE = [{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }] as const;

const mountPointsOf = ({ disks }: LabDisks): string[] => disks.map(({ mountPoint }) => mountPoint);

/** Checks that it is writable, the grace periods are restored, and no guardian is left. */
async function released(mountPoints: readonly string[], guardianPid: number): Promise<void> {
  await writable(mountPoints);
  await gone(guardianPid);
  assert.is(rcuExpedited(), '0');
}

/** Longer than the pause between two FITHAW of a guardian that repeats them. */
const FOREIGN_FREEZE_MS = 200;

/** Another tool freezes it, and finds it frozen later: nothing has thawed it meanwhile. */
async function keepsForeignFreeze(mountPoint: string): Promise<void> {
  await runCommand('fsfreeze', ['--freeze', mountPoint]);
  await delay(FOREIGN_FREEZE_MS);
  await runCommand('fsfreeze', ['--unfreeze', mountPoint]);
}

test('a worker killed while frozen leaves nothing frozen; without the guardian it would', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create(THREE);
  const mountPoints = mountPointsOf(lab);
  await using worker = await FrozenWorker.start(mountPoints);
  assert.is(worker.frozen, 3);
  await stop(worker.guardianPid);
  worker.kill('SIGKILL');
  assert.is(await worker.exited(), 'SIGKILL');
  for (const mountPoint of mountPoints) {
    assert.ok(
      await new Writer(mountPoint).isBlocked(),
      'nothing thaws while the guardian is stopped',
    );
  }
  assert.is(rcuExpedited(), '1');
  process.kill(worker.guardianPid, 'SIGCONT');
  await released(mountPoints, worker.guardianPid);
});

test('a worker that crashes writes no core to a frozen file system, which is thawed', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const [mountPoint = ''] = mountPointsOf(lab);
  const before = await readdir(mountPoint);
  await using worker = await FrozenWorker.start([mountPoint], {}, mountPoint);
  worker.order('abort');
  assert.is(await worker.exited(), 'SIGABRT');
  await released([mountPoint], worker.guardianPid);
  const written = (await readdir(mountPoint)).filter((name) => !before.includes(name));
  assert.not.ok(
    written.some((name) => name.startsWith('core')),
    written.join(' '),
  );
});

for (const [hierarchy, file, value, thawed] of [
  ['unified', 'cgroup.kill', '1', '1'],
  ['unified', 'cgroup.freeze', '1', '0'],
  ['freezer', 'freezer.state', 'FROZEN', 'THAWED'],
] as const) {
  if (!hierarchies().includes(hierarchy)) {
    continue;
  }
  test(`a worker whose control group is killed or frozen leaves nothing frozen: ${file}`, async () => {
    using _normal = withRcuExpedited('0');
    await using lab = await LabDisks.create(THREE);
    const mountPoints = mountPointsOf(lab);
    await using group = ControlGroup.create(hierarchy);
    await using worker = await group.around(() =>
      FrozenWorker.start(mountPoints, { deadlineMs: 1500 }),
    );
    group.write(file, value);
    using thawGroup = new DisposableStack();
    thawGroup.defer(() => file !== 'cgroup.kill' && group.write(file, thawed));
    await released(mountPoints, worker.guardianPid);
  });
}

for (const order of ['write', 'write-on-main-thread'] as const) {
  test(`a worker killed while it waits in a write to a frozen file system leaves nothing frozen: ${order}`, async () => {
    using _normal = withRcuExpedited('0');
    await using lab = await LabDisks.create(THREE);
    const mountPoints = mountPointsOf(lab);
    await using worker = await FrozenWorker.start(mountPoints, { deadlineMs: 60_000 });
    worker.order(order);
    await worker.hasStuckThread();
    worker.kill('SIGKILL');
    await released(mountPoints, worker.guardianPid);
    assert.is(await worker.exited(), 'SIGKILL');
  });
}

for (const type of ['ext4', 'xfs'] as const) {
  test(`a worker killed while its FIFREEZE of ${type} is stuck leaves nothing frozen`, async () => {
    using _normal = withRcuExpedited('0');
    await using lab = await LabDisks.create([
      { type, sizeMb: 640 },
      { type, imageOn: 0 },
    ]);
    const mountPoints = mountPointsOf(lab);
    await writeFile(join(mountPoints[1] ?? '', 'dirty'), 'x'.repeat(1e6));
    await using worker = await FrozenWorker.start(mountPoints, { lastIsStuck: true });
    await worker.hasStuckThread();
    worker.kill('SIGKILL');
    await released(mountPoints, worker.guardianPid);
    assert.is(await worker.exited(), 'SIGKILL');
  });
}

test('a stopped worker does not outlast the deadline, and learns of the thaw when it continues', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create(THREE);
  const mountPoints = mountPointsOf(lab);
  await using worker = await FrozenWorker.start(mountPoints, { deadlineMs: 1500 });
  await stop(worker.pid);
  await released(mountPoints, worker.guardianPid);
  worker.kill('SIGCONT');
  worker.order('until-expired');
  assert.is(await worker.told(), 'expired');
  worker.order('release');
  assert.is(await worker.told(), 'deadline');
});

test('a worker stopped while its FIFREEZE is stuck does not outlast the deadline', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create([
    { type: 'ext4', sizeMb: 640 },
    { type: 'ext4', imageOn: 0 },
  ]);
  const mountPoints = mountPointsOf(lab);
  await writeFile(join(mountPoints[1] ?? '', 'dirty'), 'x'.repeat(1e6));
  await using worker = await FrozenWorker.start(mountPoints, {
    deadlineMs: 1500,
    lastIsStuck: true,
  });
  await worker.hasStuckThread();
  await stop(worker.pid);
  await writable(mountPoints);
  await gone(worker.guardianPid);
  await keepsForeignFreeze(mountPoints[1] ?? '');
  worker.kill('SIGCONT');
  worker.order('until-expired');
  assert.is(await worker.told(), 'expired');
  await released(mountPoints, worker.guardianPid);
});

test('a killed guardian makes the worker thaw at once, though its event loop is blocked', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create(THREE);
  const mountPoints = mountPointsOf(lab);
  await using worker = await FrozenWorker.start(mountPoints);
  worker.order('busy-loop');
  process.kill(worker.guardianPid, 'SIGKILL');
  await released(mountPoints, worker.guardianPid);
});

test('the loss of the guardian is reported, and nothing can be frozen any more', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  await using guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(20_000));
  armed.freeze([0]);
  await recorded.until('frozen');
  process.kill(guardian.pid, 'SIGKILL');
  await recorded.until('guardian-lost', 1);
  const [thawed] = await recorded.until('thawed');
  assert.is(thawed?.wasFrozen, true);
  assert.throws(() => armed.freeze([0]), /not guarded/);
  assert.equal(await guardian.release(), { reason: 'lost', thawed: [], failed: [] });
});

test('if the guardian is stopped, the worker’s own deadline thaws, and release ends the guardian', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create(THREE);
  const mountPoints = mountPointsOf(lab);
  await using worker = await FrozenWorker.start(mountPoints, { deadlineMs: 3_000 });
  await stop(worker.guardianPid);
  worker.order('until-expired');
  assert.is(await worker.told(), 'expired');
  await writable(mountPoints);
  worker.order('release');
  assert.is(await worker.told(), 'lost');
  await released(mountPoints, worker.guardianPid);
});

test('a guardian that gets a signal thaws before it ends, and reports it', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create(THREE);
  const mountPoints = mountPointsOf(lab);
  await using worker = await FrozenWorker.start(mountPoints);
  await stop(worker.pid);
  process.kill(worker.guardianPid, 'SIGTERM');
  await released(mountPoints, worker.guardianPid);
  worker.kill('SIGCONT');
  worker.order('until-lost');
  assert.is(await worker.told(), 'guardian-lost');
  worker.order('release');
  assert.is(await worker.told(), 'signal');
});

/** Longer than a program with a retry limit would try. */
const FAILS_FOR_MS = 12_000;

test('a guardian whose thaw fails repeatedly does not give up', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const [mountPoint = ''] = mountPointsOf(lab);
  await using worker = await FrozenWorker.start([mountPoint]);
  const failing = spawn(
    'strace',
    ['-f', '-p', String(worker.guardianPid), '-e', 'inject=ioctl:error=EIO', '-o', '/dev/null'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  using end = new DisposableStack();
  end.defer(() => failing.kill('SIGTERM'));
  await once(failing.stderr, 'data');
  worker.kill('SIGKILL');
  await delay(FAILS_FOR_MS);
  assert.ok(await new Writer(mountPoint).isBlocked());
  end.dispose();
  await released([mountPoint], worker.guardianPid);
});

test('the end of the control pipe makes the guardian thaw, though the worker lives', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  const controls = freezerControls(recorded.freezer);
  const { ledger, lifeline, mountPoints } = controls.descriptors();
  const watched = controls.watchGuardian();
  const child = spawn(GUARDIAN_PATH, [], {
    stdio: ['pipe', 'pipe', 'ignore', ledger, 'ignore', watched, lifeline, ...mountPoints],
  });
  const { stdin: control, stdout: report } = child;
  if (control === null || report === null) {
    throw new Error('no pipes');
  }
  const closed = once(child, 'close');
  const said: string[] = [];
  report.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  await once(report, 'data');
  controls.guardianStarted();
  controls.arm(inMs(20_000));
  control.write('a');
  await once(report, 'data');
  controls.freeze([0]);
  await recorded.until('frozen');
  control.destroy();
  await recorded.until('guardian-lost', 1);
  const [thawed] = await recorded.until('thawed');
  assert.is(thawed?.wasFrozen, true);
  await closed;
  const lines = said.join('').trim().split('\n');
  assert.match(lines[2] ?? '', new RegExp(`^thawed 0 ${thawed?.endNs}$`));
  assert.is(lines[3], 'done control-closed');
});

test('releasing while something is frozen thaws it', async () => {
  await using lab = await LabDisks.create(THREE);
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  const guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(20_000));
  armed.freeze(recorded.all);
  await recorded.until('frozen');
  const { reason } = await guardian.release();
  assert.is(reason, 'released');
  assert.is((await recorded.until('thawed')).length, 3);
  await gone(guardian.pid);
  await writable(mountPointsOf(lab));
});

test('a deadline without a guardian does not permit a freeze', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  const controls = freezerControls(recorded.freezer);
  controls.arm(inMs(20_000));
  assert.throws(() => controls.freeze([0]), /not guarded/);
  controls.disarm();
  await writable(mountPointsOf(lab));
});

test('a worker that is stopped in a wave does not outlast the limit of the wave', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create(THREE);
  const mountPoints = mountPointsOf(lab);
  await using worker = await FrozenWorker.start(mountPoints, {
    deadlineMs: 60_000,
    limitMs: 1500,
  });
  await stop(worker.pid);
  await released(mountPoints, worker.guardianPid);
});

/** The guardian checks 300 ms after the limit. */
const GUARDIAN_HAS_LOOKED_MS = 600;

test('if the worker has acted on the limit of a wave, the guardian continues and keeps the deadline', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  await using guardian = await Guardian.start(recorded.freezer);
  for (const attempt of [1, 2]) {
    const armed = await guardian.arm(inMs(20_000));
    armed.limit(inMs(200));
    armed.freeze([0]);
    await recorded.until('expired', attempt);
    await recorded.until('thawed', attempt);
    await delay(GUARDIAN_HAS_LOOKED_MS);
    armed.disarm();
  }
  assert.equal(await guardian.release(), { reason: 'released', thawed: [], failed: [] });
});

test('a guardian serves one attempt after the other', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  await using guardian = await Guardian.start(recorded.freezer);
  for (const attempt of [1, 2, 3]) {
    const armed = await guardian.arm(inMs(20_000));
    armed.freeze([0]);
    await recorded.until('frozen', attempt);
    recorded.freezer.thaw([0]);
    await recorded.until('thawed', attempt);
    armed.disarm();
  }
  assert.equal(await guardian.release(), { reason: 'released', thawed: [], failed: [] });
});

test.run();
