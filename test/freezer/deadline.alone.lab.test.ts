import * as assert from 'uvu/assert';
import { Guardian } from '../../src/freezer/guardian.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';
import { rcuExpedited, withRcuExpedited } from './grace-periods.ts';
import { inMs, RecordedFreezer } from './recorded-freezer.ts';
import { Writer, writable } from './writer.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('deadline');
const SPECS = [{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }] as const;

const mountPointsOf = ({ disks }: LabDisks): string[] => disks.map(({ mountPoint }) => mountPoint);

function blockEventLoop(untilNs: bigint): void {
  while (process.hrtime.bigint() < untilNs) {
    // This blocks the event loop on purpose.
  }
}

test('everything is thawed at the deadline though the event loop is blocked', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create(SPECS);
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  await using guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(120_000));
  assert.ok(recorded.freezer.expedite());
  armed.freeze(recorded.all);
  await recorded.until('frozen');
  assert.is(rcuExpedited(), '1');
  const writers = mountPointsOf(lab).map((mountPoint) => new Writer(mountPoint));
  for (const writer of writers) {
    assert.ok(await writer.isBlocked());
  }
  const deadlineNs = inMs(50);
  armed.limit(deadlineNs);
  // On a busy machine the thaw takes longer: its first effect is waited for, too, without the loop.
  const giveUpNs = inMs(60_000);
  while (rcuExpedited() !== '0' && process.hrtime.bigint() < giveUpNs) {
    blockEventLoop(inMs(10));
  }
  assert.is(rcuExpedited(), '0');
  blockEventLoop(inMs(900));
  const unblockedNs = process.hrtime.bigint();
  const thawed = await recorded.until('thawed');
  for (const { startNs, endNs, wasFrozen } of thawed) {
    assert.ok(deadlineNs <= startNs && endNs < unblockedNs, 'thawed while the loop was blocked');
    assert.ok(wasFrozen);
  }
  assert.is(recorded.of('expired').length, 1);
  for (const writer of writers) {
    assert.is(await writer.ended(), 0);
  }
  // The guardian's own, later deadline did not have to help.
  assert.equal(await guardian.release(), { reason: 'released', thawed: [], failed: [] });
});

test('after the deadline another limit behind the same guardian allows another attempt', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  await using guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(20_000));
  armed.freeze([0]);
  await recorded.until('frozen', 1);
  armed.limit(inMs(10));
  await recorded.until('expired', 1);
  await recorded.until('thawed', 1);
  assert.throws(() => armed.freeze([0]), /not armed/);
  armed.limit(inMs(10_000));
  armed.freeze([0]);
  await recorded.until('frozen', 2);
  recorded.freezer.thaw([0]);
  await recorded.until('thawed', 2);
  assert.is(recorded.of('expired').length, 1);
});

test('a deadline that is moved away does not thaw', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  await using guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(20_000));
  armed.freeze([0]);
  await recorded.until('frozen');
  const formerNs = inMs(100);
  armed.limit(formerNs);
  armed.limit(inMs(10_000));
  blockEventLoop(formerNs + 50_000_000n);
  assert.ok(await new Writer(mountPointsOf(lab)[0] ?? '').isBlocked());
  assert.equal(recorded.of('expired'), []);
  recorded.freezer.thaw([0]);
  await recorded.until('thawed');
});

test('grace periods get their former value again, whether 0 or 1', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  for (const former of ['0', '1'] as const) {
    using _former = withRcuExpedited(former);
    await using recorded = new RecordedFreezer(mountPointsOf(lab));
    assert.ok(recorded.freezer.expedite());
    assert.is(rcuExpedited(), '1');
    recorded.freezer.restoreGracePeriods();
    assert.is(rcuExpedited(), former);
    recorded.freezer.restoreGracePeriods();
    assert.is(rcuExpedited(), former);
  }
});

test('disposing thaws what is frozen and restores the grace periods', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create(SPECS);
  {
    await using recorded = new RecordedFreezer(mountPointsOf(lab));
    await using guardian = await Guardian.start(recorded.freezer);
    const armed = await guardian.arm(inMs(20_000));
    recorded.freezer.expedite();
    armed.freeze(recorded.all);
    await recorded.until('frozen');
  }
  assert.is(rcuExpedited(), '0');
  await writable(mountPointsOf(lab));
});

test.run();
