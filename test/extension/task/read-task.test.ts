import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../../src/errors.ts';
import { LATEST_START_MS, requireInTime } from '../../../src/extension/task/read-task.ts';
import { suite } from '../../suite.ts';

const test = suite('start in time');
const START = { ticks: '0', at: new Date('2026-11-22T06:00:00Z') };

test('lets a task begin early, on time and up to 140 minutes late', () => {
  for (const lateMs of [-172_800_000, -3_600_000, 0, LATEST_START_MS]) {
    requireInTime({ start: START }, new Date(START.at.getTime() + lateMs));
  }
  requireInTime({ start: undefined }, new Date());
});

test('refuses one that is later, and says how late it is', () => {
  const now = new Date(START.at.getTime() + LATEST_START_MS + 60_000);
  assert.throws(
    () => requireInTime({ start: START }, now),
    (error: unknown) =>
      error instanceof FlashfreezeError &&
      error.code === 'FF_STARTED_TOO_LATE' &&
      error.message.includes('141 minutes ago'),
  );
});

test.run();
