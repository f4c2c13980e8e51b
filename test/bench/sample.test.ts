import * as assert from 'uvu/assert';
import type { Pause } from '../../bench/probe/figures.ts';
import { feltBy } from '../../bench/sample.ts';
import { suite } from '../suite.ts';

const test = suite('bench sample');

const probe = (...pauses: readonly (readonly [startMs: number, endMs: number])[]) => ({
  writes: 9,
  errno: 0,
  dropped: 0,
  histogram: [],
  pauses: pauses.map(([startMs, endMs]): Pause => ({ startMs, writeMs: startMs, endMs })),
});
const period = (...probes: readonly ReturnType<typeof probe>[]) => ({
  startMs: 0,
  endMs: 1_000,
  cpuMs: 1,
  probes,
});

test('the stall is that of the pause around each disk’s snapshot', () => {
  const felt = feltBy(period(probe([10, 60], [200, 230]), probe([198, 240])), [
    { startMs: 205, endMs: 225 },
    { startMs: 206, endMs: 226 },
  ]);
  assert.equal(felt, {
    ok: true,
    stallsMs: [30, 42],
    maxStallMs: 42,
    meanStallMs: 36,
    elsewhereMs: 50,
  });
});

test('a disk that nobody asked for makes the sample worthless, and so does one that was written to', () => {
  const span = { startMs: 205, endMs: 225 };
  const missing = feltBy(period(probe([198, 240]), probe([198, 240])), [span, undefined]);
  assert.equal(missing, { ok: false, reason: 'the snapshot of disk 1 was not asked for' });
  const written = feltBy(period(probe([10, 60])), [span]);
  assert.equal(written, {
    ok: false,
    reason: 'the snapshot of disk 0 was taken while it was written to',
  });
});

test('where nobody knows when the snapshots were taken, every pause counts', () => {
  const felt = feltBy(period(probe([10, 60], [200, 230]), probe()), undefined);
  assert.equal(felt.ok && felt.stallsMs, [50, 0]);
});

test.run();
