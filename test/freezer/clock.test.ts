import * as assert from 'uvu/assert';
import { sleepUntil } from '../../src/freezer/clock.ts';
import { suite } from '../suite.ts';

const test = suite('clock');

test('it does not wake before the time on either clock', async () => {
  const monotonicNs = process.hrtime.bigint() + 20_000_000n;
  await sleepUntil({ clock: 'monotonic', ns: monotonicNs });
  assert.ok(process.hrtime.bigint() >= monotonicNs);
  const realtimeMs = Date.now() + 20;
  await sleepUntil({ clock: 'realtime', ns: BigInt(realtimeMs) * 1_000_000n });
  assert.ok(Date.now() >= realtimeMs);
});

test('a time that has passed is no wait', async () => {
  await sleepUntil({ clock: 'realtime', ns: 0n });
  await sleepUntil({ clock: 'monotonic', ns: 1n });
});

test('an abort ends the wait with its reason', async () => {
  const reason = new Error('enough');
  const abort = new AbortController();
  const farAwayNs = process.hrtime.bigint() + 3_600_000_000_000n;
  const sleeping = sleepUntil({ clock: 'monotonic', ns: farAwayNs }, abort.signal);
  abort.abort(reason);
  await assertRejects(sleeping, reason);
  await assertRejects(sleepUntil({ clock: 'monotonic', ns: farAwayNs }, abort.signal), reason);
});

async function assertRejects(promise: Promise<void>, reason: Error): Promise<void> {
  try {
    await promise;
    assert.unreachable();
  } catch (error) {
    assert.is(error, reason);
  }
}

test.run();
