import * as assert from 'uvu/assert';
import { onThisClock, trustedNow } from '../../../src/extension/snapshot-method/trusted-time.ts';
import { suite } from '../../suite.ts';

const test = suite('trusted time');
const START = new Date('2026-11-22T10:00:00Z');

test('is the clock of the host, running on since it answered', () => {
  const responseTime = new Date('2026-11-22T09:00:00Z');
  assert.equal(
    trustedNow({ responseTime, receivedNs: 1_000_000_000n }, 4_000_000_000n),
    new Date('2026-11-22T09:00:03Z'),
  );
});

test('moves a start to what this machine’s clock will show then', () => {
  const answered = {
    responseTime: new Date('2026-11-22T09:00:00Z'),
    receivedNs: process.hrtime.bigint(),
  };
  const behind = onThisClock(START, answered, new Date('2026-11-22T07:00:00Z'));
  assert.ok(Math.abs(behind.getTime() - Date.parse('2026-11-22T08:00:00Z')) < 1_000);
  const ahead = onThisClock(START, answered, new Date('2026-11-22T10:30:00Z'));
  assert.ok(Math.abs(ahead.getTime() - Date.parse('2026-11-22T11:30:00Z')) < 1_000);
});

test('takes clocks for the same that differ by less than the host tells', () => {
  const answered = {
    responseTime: new Date('2026-11-22T09:00:00Z'),
    receivedNs: process.hrtime.bigint(),
  };
  assert.equal(onThisClock(START, answered, new Date('2026-11-22T09:00:01Z')), START);
  assert.equal(onThisClock(START, undefined), START);
});

test.run();
