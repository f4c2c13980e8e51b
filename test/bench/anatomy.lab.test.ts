import * as assert from 'uvu/assert';
import { MILESTONES, SEGMENTS, takeApart } from '../../bench/anatomy.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';
import { createSmallRig } from './fixtures/small-rig.ts';

await enterLab({ lifetimeSeconds: 600, commands: [] });
const test = suite('bench anatomy');

test('the command under test tells every step of each disk, in their order', async () => {
  await using rig = await createSmallRig();
  const run = await takeApart(rig, {});
  assert.equal(
    run.disks.map(({ mountPoint }) => mountPoint),
    rig.mountPoints,
  );
  for (const disk of run.disks) {
    for (const { name, of } of SEGMENTS) {
      assert.ok(Number.isFinite(of(disk, run)), name);
    }
    const { freezeStartMs, frozenMs, heardFrozenMs, askedFireMs, firedMs } = disk;
    const { acknowledgedMs, heardAcknowledgedMs, askedThawMs, thawStartMs, thawedMs } = disk;
    const steps = [freezeStartMs, frozenMs, heardFrozenMs, askedFireMs, firedMs, acknowledgedMs];
    const all = [...steps, heardAcknowledgedMs, askedThawMs, thawStartMs, thawedMs];
    assert.equal(
      all,
      all.toSorted((a, b) => a - b),
    );
    assert.ok(disk.askedFreezeMs > 0 && disk.askedFreezeMs < freezeStartMs);
  }
  const reached = MILESTONES.map(({ at }) => at(run));
  assert.ok(reached.every((ms) => ms > 0));
});

test('processor time and page faults are those of the command and of what it was measured with', async () => {
  await using rig = await createSmallRig();
  const { cpu } = await takeApart(rig, {});
  const roles = cpu.map(({ who }) => who);
  for (const role of ['main thread', 'lanes', 'native threads: freeze, thaw', 'lab server']) {
    assert.ok(roles.includes(role), role);
  }
  assert.ok(cpu.filter(({ who }) => who !== 'V8’s helpers').every(({ runMs }) => runMs > 0));
});

test('a run that fails is not taken apart', async () => {
  await using rig = await createSmallRig();
  const fault = { kind: 'status', status: 403, code: 'AuthorizationFailure' } as const;
  await rig.server.setFault({ blob: 'disk1', at: 'request', fault });
  let reason = '';
  try {
    await takeApart(rig, {});
  } catch (error) {
    reason = String(error);
  }
  assert.match(reason, /exit code 1/);
});

test.run();
