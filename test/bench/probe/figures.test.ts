import * as assert from 'uvu/assert';
import { type Pause, parsePeriod, stallOf } from '../../../bench/probe/figures.ts';
import { suite } from '../../suite.ts';

const test = suite('stall probe figures');

const HISTOGRAM = [0, 0, 1];
const probe = (pauses: readonly Pause[]) => ({
  writes: 9,
  errno: 0,
  dropped: 0,
  histogram: HISTOGRAM,
  pauses,
});
const pause = (startMs: number, writeMs: number, endMs: number): Pause => ({
  startMs,
  writeMs,
  endMs,
});

test('the answer of the probe becomes times on CLOCK_MONOTONIC', () => {
  const line =
    '{"beginNs":"5000000000","endNs":"6000000000","cpuNs":40000000,"probes":[{"writes":9,"errno":0,"dropped":0,"histogram":[0,0,1],"pauses":[[-1000000,500000,30000000]]}]}';
  assert.equal(parsePeriod(line), {
    startMs: 5_000,
    endMs: 6_000,
    cpuMs: 40,
    probes: [probe([pause(4_999, 5_000.5, 5_030)])],
  });
});

test('the stall is the longest pause that touches the snapshot; others are elsewhere', () => {
  const stall = stallOf(probe([pause(0, 49, 50), pause(98, 99, 130)]), {
    startMs: 105,
    endMs: 125,
  });
  assert.equal(stall, { stallMs: 32, stood: true, elsewhereMs: 50 });
});

test('a writer that never paused did not stand still', () => {
  assert.equal(stallOf(probe([]), { startMs: 105, endMs: 125 }), {
    stallMs: 0,
    stood: false,
    elsewhereMs: 0,
  });
});

test('a write in the midst of the snapshot shows, also between two pauses that meet', () => {
  const taken = { startMs: 105, endMs: 125 };
  assert.is(stallOf(probe([pause(98, 109, 110), pause(110, 111, 130)]), taken).stood, false);
  assert.is(stallOf(probe([pause(98, 99, 110), pause(112, 113, 130)]), taken).stood, false);
  assert.is(stallOf(probe([pause(98, 99, 124)]), taken).stood, false);
  assert.is(stallOf(probe([pause(106, 107, 130)]), taken).stood, false);
});

test('a write that began before the snapshot may be stamped late', () => {
  const pauses = [pause(98, 104, 110), pause(110, 111, 130)];
  assert.is(stallOf(probe(pauses), { startMs: 105, endMs: 125 }).stood, true);
});

test.run();
