import * as assert from 'uvu/assert';
import { LabRig } from '../../../bench/rig.ts';
import { SnapshotTaker } from '../../../bench/soak/snapshot-taker.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { suite } from '../../suite.ts';

await enterLab({ lifetimeSeconds: 600 });
const test = suite('snapshots of a soak');

test('one process takes them all, and tells of one that could not be had', async () => {
  await using rig = await LabRig.create({
    disks: 2,
    fileSystems: 'ext4',
    latencyMs: 5,
    probe: { intervalUs: 500, writes: 'data' },
  });
  await using provider = new SnapshotTaker(rig.urls);
  const first = await provider.takeSnapshot();
  assert.is(first.complete, true, first.problem);
  assert.ok((first.windowMs ?? 0) >= 5);

  await rig.server.setFault({
    blob: 'disk1',
    at: 'request',
    fault: { kind: 'status', status: 409, code: 'SnapshotCountExceeded' },
  });
  const refused = await provider.takeSnapshot();
  assert.is(refused.complete, false);
  assert.match(refused.problem ?? '', /SnapshotCountExceeded/);

  await rig.server.clearFaults();
  const last = await provider.takeSnapshot();
  assert.is(last.complete, true, last.problem);
  assert.is(last.descriptors, first.descriptors);
});

test.run();
