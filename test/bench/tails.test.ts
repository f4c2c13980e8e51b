import * as assert from 'uvu/assert';
import { MILESTONES, type Steps } from '../../bench/anatomy.ts';
import { longestOf, type TailRun, tailRunOf } from '../../bench/tails.ts';
import { suite } from '../suite.ts';

const test = suite('bench tails');

const STAGES = MILESTONES.length - 1;

/** Each stage takes 1 ms, except those that are named. */
function run(stallMs: number, longer: Readonly<Record<number, number>> = {}): TailRun {
  return {
    stallMs,
    stagesMs: Array.from({ length: STAGES }, (_, stage) => longer[stage] ?? 1),
    cpu: [{ who: 'main thread', runMs: 1, waitMs: stallMs / 10, pageFaults: 0 }],
  };
}

test('the longest windows come first, each with the stage that was longer than usual by the most', () => {
  const usual = Array.from({ length: 20 }, () => run(30));
  const longest = longestOf([...usual, run(70, { 3: 9, 5: 31 }), run(90, { 0: 61 })], 2);
  assert.equal(longest, [
    { stallMs: 90, until: MILESTONES[1]?.name, excessMs: 60, waitedMs: { 'main thread': 9 } },
    { stallMs: 70, until: MILESTONES[6]?.name, excessMs: 30, waitedMs: { 'main thread': 7 } },
  ]);
});

test('a stage that is always long is not what made a window long', () => {
  const usual = Array.from({ length: 20 }, () => run(60, { 7: 40 }));
  const [longest] = longestOf([...usual, run(75, { 7: 41, 8: 15 })], 1);
  assert.is(longest?.until, MILESTONES[9]?.name);
  assert.is(longest?.excessMs, 14);
});

test('the stall is that of the writer who waited longest, and the stages add up to the window', () => {
  const at = (startMs: number, endMs: number): Steps => ({
    ...{ mountPoint: '/d', askedFreezeMs: 1, freezeStartMs: 2, frozenMs: 3, heardFrozenMs: 4 },
    ...{ askedFireMs: 5, firedMs: 6, receivedMs: 7, answeredMs: 8, acknowledgedMs: 9 },
    ...{ heardAcknowledgedMs: 10, askedThawMs: 11, thawStartMs: 12, thawedMs: 13 },
    writer: { startMs, endMs },
  });
  const { stallMs, stagesMs } = tailRunOf({
    barrierMs: 3,
    disks: [at(0.5, 14), at(0.1, 15)],
    cpu: [],
  });
  assert.is(stallMs, 14.9);
  assert.is(stagesMs.length, STAGES);
  assert.is(
    stagesMs.reduce((sum, ms) => sum + ms, 0),
    14,
  );
});

test.run();
