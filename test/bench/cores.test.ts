import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { SharedProcessors } from '../../bench/cores/shared-processors.ts';
import { simulateWindow, type WindowModel } from '../../bench/cores/simulate-window.ts';
import { suite } from '../suite.ts';

const test = suite('bench cores');

const ONE_DISK: WindowModel = {
  ...{ disks: 1, cores: 1, lanes: 1, latencyMs: 20, freezeWaitMs: 3 },
  ...{ main: 1, lane: 2, native: 0.5, server: 0.25, writer: 0.125 },
};

function isNear(found: number, expected: number): void {
  assert.ok(Math.abs(found - expected) < 1e-6, `${found} instead of ${expected}`);
}

test('threads that have more work than there are processors share them; waiting takes none', () => {
  const machine = new SharedProcessors(1);
  const ends: [string, number][] = [];
  const note = (name: string) => () => ends.push([name, Math.round(machine.nowMs * 1e6) / 1e6]);
  machine.run('a', 1, note('a'));
  machine.run('a', 1, note('a again'));
  machine.run('b', 2, note('b'));
  machine.wait(3, note('timer'));
  machine.runToEnd();
  assert.equal(ends, [
    ['a', 2],
    ['timer', 3],
    ['a again', 4],
    ['b', 4],
  ]);
});

test('one disk stands still for the sum of its steps, whatever the number of cores', () => {
  for (const cores of [1, 2, 64]) {
    isNear(simulateWindow({ ...ONE_DISK, cores }), 3 + 20 + 1 + 2 + 0.5 + 0.25);
  }
});

test('with enough cores a lane is what many disks queue for, and lanes divide the queue', () => {
  const lanesOnly = {
    ...ONE_DISK,
    disks: 64,
    cores: 128,
    main: 0,
    native: 0,
    server: 0,
    writer: 0,
  };
  // The requests leave one after the other; their answers arrive quicker than the lane reads them.
  const sent = 64 * 2 * 0.45;
  const read = 2 * 0.55;
  isNear(simulateWindow({ ...lanesOnly, latencyMs: 200 }), 3 + sent / 64 + 200 + 64 * read);
  isNear(simulateWindow({ ...lanesOnly, latencyMs: 200, lanes: 64 }), 3 + sent / 64 + 200 + read);
});

test('on one core nothing is quicker than all the processor time before the last thaw', () => {
  const model = { ...ONE_DISK, disks: 16, latencyMs: 0, freezeWaitMs: 0, writer: 0 };
  isNear(simulateWindow(model), 16 * (1 + 2 + 0.5 + 0.25));
});

test('more cores never make the longest stall longer than on one core', () => {
  const times = fc.double({ min: 0.01, max: 2, noNaN: true });
  const models = fc.record({
    ...{ disks: fc.integer({ min: 1, max: 24 }), lanes: fc.integer({ min: 1, max: 4 }) },
    ...{ latencyMs: times, freezeWaitMs: times },
    ...{ main: times, lane: times, native: times, server: times, writer: times },
  });
  fc.assert(
    fc.property(models, fc.integer({ min: 2, max: 64 }), (model, cores) => {
      const one = simulateWindow({ ...model, cores: 1 });
      assert.ok(simulateWindow({ ...model, cores }) <= one + 1e-6);
    }),
    { numRuns: 200 },
  );
});

test.run();
