import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { niceTicks, timeAxis } from '../../src/report/time-axis.ts';
import { timelineOf } from '../../src/report/timeline.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { suite } from '../suite.ts';
import { busyRecord, runOf } from './fixtures/runs.ts';

const test = suite('time axis');
const now = { monotonicNs: 2_000_000_000n, wallClock: new Date() };

test('gives the window most of the width, however long settling took', () => {
  const { timeline } = runOf(busyRecord(8));
  assert.ok(timeline !== null);
  const axis = timeAxis(timeline);
  assert.ok(axis.isCompressed);
  assert.is(axis.freezePercent, 8);
  assert.is(axis.position(500), 0);
  assert.is(axis.position(1000), 8);
  assert.ok(axis.position(1049) > 95);
  assert.is(axis.beforeMs, 500);
  assert.is(axis.ticks[0]?.label, '0');
});

test('is one scale where settling was short, and stands for a run without anything frozen', () => {
  const short = timeAxis(timelineOf(goodRecord(1), now));
  assert.not.ok(short.isCompressed);
  const empty = timeAxis(timelineOf({ ...goodRecord(0), barrier: undefined, phases: [] }, now));
  assert.ok(Number.isFinite(empty.position(1)));
});

test('never goes back, and stays inside', () => {
  const { timeline } = runOf(busyRecord(3));
  assert.ok(timeline !== null);
  const axis = timeAxis(timeline);
  fc.assert(
    fc.property(
      fc.double({ min: -1e4, max: 1e4, noNaN: true }),
      fc.double({ min: 0, max: 1e4, noNaN: true }),
      (at, more) => {
        const [a, b] = [axis.position(at), axis.position(at + more)];
        return a >= 0 && b <= 100 && a <= b;
      },
    ),
  );
});

test('ticks are round numbers, about as many as wanted', () => {
  assert.equal(niceTicks(52, 6), [0, 10, 20, 30, 40, 50]);
  assert.equal(niceTicks(0, 6), []);
  fc.assert(
    fc.property(fc.double({ min: 1e-3, max: 1e7, noNaN: true }), (length) => {
      const count = niceTicks(length, 6).length;
      return count >= 3 && count <= 8;
    }),
  );
});

test.run();
