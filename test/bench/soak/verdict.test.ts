import * as assert from 'uvu/assert';
import type { SoakFigures, WatchedRun } from '../../../bench/soak/model.ts';
import { faultsOf } from '../../../bench/soak/verdict.ts';
import { suite } from '../../suite.ts';

const test = suite('verdict of a soak');

const RUN: WatchedRun = {
  complete: true,
  windowMs: 30,
  problem: undefined,
  tookMs: 500,
  rssMb: 150,
  heapMb: 20,
  externalMb: 5,
  descriptors: 23,
  threads: 11,
  fault: 'none',
  faultKind: 'none',
  stallMs: 30,
  unsound: undefined,
  reused: 4,
  requests: 4,
};
const REMAINS = { loopDevices: 4, mounts: 12 };

const soak = (change: (run: number) => Partial<WatchedRun>): SoakFigures => ({
  minutes: 1,
  runs: Array.from({ length: 400 }, (_, run) => ({ ...RUN, ...change(run) })),
  before: REMAINS,
  after: REMAINS,
});

test('a steady soak has nothing to say', () => {
  assert.equal(faultsOf(soak(() => ({}))), []);
});

test('memory that grows after the warm-up is told, before it is not', () => {
  assert.match(faultsOf(soak((run) => ({ rssMb: 150 + run / 5 }))).join(), /memory grew/);
  assert.equal(faultsOf(soak((run) => ({ rssMb: Math.min(200, 100 + run) }))), []);
});

test('descriptors, threads, loop devices and mounts may not grow at all', () => {
  assert.match(faultsOf(soak((run) => ({ descriptors: 23 + (run >> 7) }))).join(), /descriptors/);
  assert.match(faultsOf(soak((run) => ({ threads: 11 + (run >> 7) }))).join(), /threads/);
  const figures = soak(() => ({}));
  const after = { loopDevices: 5, mounts: 13 };
  assert.is(faultsOf({ ...figures, after }).length, 2);
});

test('the tail counts where the server did nothing wrong', () => {
  const late = (run: number) => (run % 20 === 0 ? 90 : 30);
  assert.match(faultsOf(soak((run) => ({ windowMs: late(run) }))).join(), /p99/);
  const disturbed = soak((run) => ({
    windowMs: late(run),
    faultKind: run % 20 === 0 ? 'passing' : 'none',
  }));
  assert.equal(faultsOf(disturbed), []);
});

test('a run that fails for no final reason is told, and one that claims what it cannot have', () => {
  assert.match(
    faultsOf(soak((run) => ({ complete: run !== 9 }))).join(),
    /1 runs were not complete/,
  );
  const final = (complete: boolean) =>
    faultsOf(soak((run) => (run === 9 ? { complete, faultKind: 'final' } : {})));
  assert.equal(final(false), []);
  assert.match(final(true).join(), /called complete/);
});

test('a snapshot of a disk that was written to is told, and a connection made anew', () => {
  assert.match(faultsOf(soak(() => ({ unsound: 'disk 1' }))).join(), /written to/);
  assert.match(faultsOf(soak(() => ({ reused: 3 }))).join(), /reuse/);
});

test.run();
