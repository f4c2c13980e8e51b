import * as assert from 'uvu/assert';
import { sleepUntil } from '../../src/system/clock.ts';
import { suite } from '../suite.ts';

const test = suite('clock');

test('it does not wake before the time', async () => {
  const atMs = Date.now() + 20;
  await sleepUntil(atMs);
  assert.ok(Date.now() >= atMs);
});

test('a time that has passed does not wait', async () => {
  await sleepUntil(0);
});

test('a step of the clock is followed', async () => {
  const realNow = Date.now;
  const atMs = realNow() + 3_600_000;
  const sleeping = sleepUntil(atMs);
  Date.now = () => atMs;
  try {
    await sleeping;
  } finally {
    Date.now = realNow;
  }
});

test('an abort ends the wait with its reason', async () => {
  const reason = new Error('enough');
  const abort = new AbortController();
  const farAwayMs = Date.now() + 3_600_000;
  const sleeping = sleepUntil(farAwayMs, abort.signal);
  abort.abort(reason);
  await assertRejects(sleeping, reason);
  await assertRejects(sleepUntil(farAwayMs, abort.signal), reason);
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
