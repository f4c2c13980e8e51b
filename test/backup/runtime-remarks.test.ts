import * as assert from 'uvu/assert';
import { runtimeRemarks } from '../../src/backup/problems.ts';
import type { RoleTime } from '../../src/system/thread-times.ts';
import { suite } from '../suite.ts';
import { heldTimes } from './fixtures/records.ts';

const test = suite('remarks on the runtime');

/** A window of 60 ms. */
const fileSystems = [
  heldTimes({ freezeStartNs: 10_000_000n }),
  heldTimes({ thawedNs: 70_000_000n }),
];

function threads(runMs: number): RoleTime[] {
  return [
    { role: 'main', runMs: 50, waitMs: 0, pageFaults: 0 },
    { role: 'runtime', runMs, waitMs: 0, pageFaults: 0 },
  ];
}

test('only a noticeable share of the window is worth a remark', () => {
  const warn = (runMs: number): number =>
    runtimeRemarks({ threads: threads(runMs), fileSystems }).length;
  assert.equal([0, 1, 10, 12].map(warn), [0, 0, 0, 0]);
  assert.equal([12.1, 31].map(warn), [1, 1]);
});

test('a short window has helpers of some milliseconds without a remark', () => {
  const short = [heldTimes({ freezeStartNs: 1_000_000n, thawedNs: 9_000_000n })];
  assert.equal(runtimeRemarks({ threads: threads(8), fileSystems: short }), []);
});

test('nothing was frozen, or the kernel counts nothing', () => {
  assert.equal(runtimeRemarks({ threads: [], fileSystems }), []);
  assert.equal(runtimeRemarks({ threads: threads(9), fileSystems: [] }), []);
});

test.run();
