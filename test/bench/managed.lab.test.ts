import * as assert from 'uvu/assert';
import { ManagedRig, type Pace } from '../../bench/managed-rig.ts';
import { flashfreeze } from '../../bench/peers/flashfreeze.ts';
import { managedFloor } from '../../bench/peers/floor.ts';
import { type ThawMoment, takeThawingWhen } from '../../bench/proof/thaw-moment.ts';
import { type Contender, contender, type Sample } from '../../bench/sample.ts';
import { diskName } from '../../src/lab/lab-vm.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });
const test = suite('bench of managed disks');
const PACE: Pace = { operationMs: 950, retryAfterSeconds: 1 };
const DISKS = 2;

async function createRig(): Promise<ManagedRig> {
  const rig = await ManagedRig.create({
    disks: DISKS,
    fileSystems: 'mixed',
    latencyMs: 5,
    probe: { intervalUs: 500, writes: 'data' },
  });
  await rig.setPace(PACE);
  return rig;
}

/** The stalls of a good sample. */
function stallsOf(sample: Sample): readonly number[] {
  assert.ok(sample.ok, sample.ok ? '' : sample.reason);
  return sample.ok ? sample.stallsMs : [];
}

for (const each of [flashfreeze({ managed: true }), managedFloor()]) {
  test(`${each.name}: its stall contains the operations, and no snapshot is kept`, async () => {
    await using rig = await createRig();
    for (let run = 0; run < 2; run += 1) {
      const stallsMs = stallsOf(await each.takeSample(rig));
      assert.is(stallsMs.length, DISKS);
      assert.ok(
        stallsMs.every((ms) => ms >= PACE.operationMs),
        String(stallsMs),
      );
    }
    await rig.snapshotSpans(0);
    assert.equal(await rig.vm.managed.snapshots(), []);
  });
}

test('a slow disk holds its own writer only', async () => {
  await using rig = await createRig();
  const slow: Pace = { operationMs: 4_950, retryAfterSeconds: 5 };
  await rig.setPace(PACE, { disks: 1, pace: slow });
  const [first = 0, second = 0] = stallsOf(await flashfreeze({ managed: true }).takeSample(rig));
  assert.ok(first >= slow.operationMs, String(first));
  // Both go on together if the slow disk holds the other one's writer too.
  assert.ok(second < first - 1_000, `${second} and ${first}`);
});

/** No tool of the benchmark. */
function byHand(moment: ThawMoment, { vm }: ManagedRig): Contender {
  return contender(`thaws when ${moment}`, async ({ mountPoints }) => {
    await takeThawingWhen(moment)({
      targets: mountPoints.map((_, index) => vm.managed.diskId(diskName(index))),
      rawTargets: [],
      mountPoints,
      ...{ managed: true, freeze: true, lanes: 1, fire: 'barrier' },
    });
    return { ok: true, usage: { cpuMs: 0, peakRssMb: 0 }, own: {} };
  });
}

test('a run that thaws before the operations have ended does not count, one that waits for them does', async () => {
  await using rig = await createRig();
  const early = await byHand('accepted', rig).takeSample(rig);
  assert.is(early.ok, false);
  assert.match(early.ok ? '' : early.reason, /was taken while it was written to/);
  assert.is(stallsOf(await byHand('succeeded', rig).takeSample(rig)).length, DISKS);
});

test('a run without a snapshot of every disk does not count', async () => {
  await using rig = await createRig();
  const idle = contender('idle', () =>
    Promise.resolve({ ok: true, usage: { cpuMs: 0, peakRssMb: 0 }, own: {} }),
  );
  const sample = await idle.takeSample(rig);
  assert.match(sample.ok ? '' : sample.reason, /was not asked for/);
  await rig.vm.managed.deny('Microsoft.Compute/snapshots/write');
  for (const each of [flashfreeze({ managed: true }), managedFloor()]) {
    assert.is((await each.takeSample(rig)).ok, false, each.name);
  }
});

test.run();
