import * as assert from 'uvu/assert';
import { BOUNDS, type Bound, brokenBounds, keptBounds } from '../../bench/bounds.ts';
import { PEERS } from '../../bench/peers/all.ts';
import { FLASHFREEZE } from '../../bench/peers/flashfreeze.ts';
import { floor } from '../../bench/peers/floor.ts';
import type { SizedComparison } from '../../bench/sizes.ts';
import { suite } from '../suite.ts';

const test = suite('bench bounds');

const runtimeTime = (runMs: number) => ({
  ...{ role: 'runtime' as const, runMs, waitMs: 0, pageFaults: 0 },
});
const contender = (name: string, stallsMs: readonly number[], runtimeMs?: number) => ({
  name,
  samples: stallsMs.map((maxStallMs) => ({
    ok: true as const,
    stallsMs: [maxStallMs],
    maxStallMs,
    meanStallMs: maxStallMs,
    elsewhereMs: 0,
    usage: { cpuMs: 0, peakRssMb: 0 },
    own: runtimeMs === undefined ? {} : { threads: [runtimeTime(runtimeMs)] },
    othersShare: 0,
    expeditedBefore: false,
  })),
});
const measured = (ours: readonly number[], floors: readonly number[]): SizedComparison[] => [
  {
    disks: 64,
    noise: { longestMs: 0, probeCpuShare: 0 },
    contenders: [contender(FLASHFREEZE, ours), contender('floor', floors)],
  },
];
const BOUND: Bound = { kind: 'stall', disks: 64, against: 'floor', most: 1.2 };

test('a bound holds by the median of the ratios, pair by pair', () => {
  assert.equal(brokenBounds(keptBounds(measured([60, 55, 300], [50, 50, 50]), [BOUND])), []);
});

test('a bound that does not hold is named with its figure', () => {
  const broken = brokenBounds(keptBounds(measured([65, 65, 65], [50, 50, 50]), [BOUND]));
  assert.is(broken.length, 1);
  assert.match(broken[0] ?? '', /64 disks: max stall ÷ floor is 1\.300, and may be 1\.2 at most/);
});

test('what Node’s own threads ran for in the window is bounded, too', () => {
  const bound: Bound = { kind: 'runtime', disks: 64, mostMs: 1 };
  const ran = (runtimeMs?: number): SizedComparison[] =>
    measured([60], [50]).map((it) => ({
      ...it,
      contenders: [contender(FLASHFREEZE, [60, 55, 70], runtimeMs)],
    }));
  assert.equal(brokenBounds(keptBounds(ran(0.7), [bound])), []);
  assert.match(
    brokenBounds(keptBounds(ran(31), [bound]))[0] ?? '',
    /^64 disks: ms of Node’s own threads in the window is 31\.000, and may be 1 at most/,
  );
  assert.is(brokenBounds(keptBounds(ran(), [bound])).length, 1, 'not counted');
});

test('a bound without a measurement does not hold', () => {
  assert.is(brokenBounds(keptBounds([], [BOUND])).length, 1);
});

test('the committed bounds are about contenders that exist', () => {
  const names = [floor(), ...Object.values(PEERS)].map(({ name }) => name);
  assert.ok(BOUNDS.every((bound) => bound.kind === 'runtime' || names.includes(bound.against)));
});

test.run();
