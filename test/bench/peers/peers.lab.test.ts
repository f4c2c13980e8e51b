import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { PEER_COMMANDS, PEER_NAMES, PEERS } from '../../../bench/peers/all.ts';
import type { PeerRequest } from '../../../bench/peers/peer-request.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { tryCommand } from '../../../src/lab/run-command.ts';
import { suite } from '../../suite.ts';
import { createSmallRig } from '../fixtures/small-rig.ts';

await enterLab({ lifetimeSeconds: 600, commands: PEER_COMMANDS });
const test = suite('bench peers');

/** EINVAL where it is not frozen. */
async function isFrozen(mountPoint: string): Promise<boolean> {
  return (await tryCommand('fsfreeze', ['--unfreeze', mountPoint])).code === 0;
}

for (const name of PEER_NAMES) {
  test(`${name}: every disk is snapshotted while its writer stands still, and nothing stays frozen`, async () => {
    await using rig = await createSmallRig();
    const sample = await PEERS[name].takeSample(rig);
    assert.ok(sample.ok, sample.ok ? '' : sample.reason);
    assert.is(sample.ok && sample.stallsMs.length, 2);
    assert.equal(await Promise.all(rig.mountPoints.map(isFrozen)), [false, false]);
  });

  test(`${name}: where a snapshot fails the sample does, and nothing stays frozen`, async () => {
    await using rig = await createSmallRig();
    await rig.server.setFault({
      blob: 'disk1',
      at: 'request',
      fault: { kind: 'status', status: 403, code: 'AuthorizationFailure' },
    });
    const sample = await PEERS[name].takeSample(rig);
    assert.is(sample.ok, false);
    assert.equal(await Promise.all(rig.mountPoints.map(isFrozen)), [false, false]);
  });
}

test('the guest agent is not let loose where it would freeze more than asked for', async () => {
  await using rig = await createSmallRig();
  const [mountPoint = ''] = rig.mountPoints;
  const request: PeerRequest = { mountPoints: [mountPoint], urls: rig.urls, caPath: rig.caPath };
  const script = join(import.meta.dirname, '../../../bench/peers/guest-agent-process.ts');
  const { code, stderr } = await tryCommand(process.execPath, [script], JSON.stringify(request));
  assert.is.not(code, 0);
  assert.match(stderr, /would freeze more than asked for: \/lab\/set\d+\/disk1/);
});

test.run();
