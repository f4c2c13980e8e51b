import * as assert from 'uvu/assert';
import {
  isFarAhead,
  leftUntilStart,
  limitedStart,
  scheduledStart,
  unpunctuality,
  waitExactly,
} from '../../src/backup/scheduled-start.ts';
import { suite } from '../suite.ts';

const test = suite('scheduled start');
const ASKED = new Date('2026-11-22T02:00:00.000Z');
/** Half a second after it. */
const NOW = { monotonicNs: 10_500_000_000n, wallClockMs: ASKED.getTime() + 500 };

test('the first FIFREEZE of the first attempt counts', () => {
  const attempts = [
    [{ freezeStartNs: 10_001_250_000n }, { freezeStartNs: 10_000_250_000n }],
    [{ freezeStartNs: 10_400_000_000n }, { freezeStartNs: undefined }],
  ];
  assert.equal(scheduledStart(ASKED, attempts, NOW), { askedFor: ASKED, lateMs: 0.25 });
});

test('a start before time has a negative delay, and a run without a freeze has none', () => {
  assert.is(scheduledStart(ASKED, [[{ freezeStartNs: 9_999_000_000n }]], NOW).lateMs, -1);
  assert.is(scheduledStart(ASKED, [[{ freezeStartNs: undefined }]], NOW).lateMs, undefined);
  assert.is(scheduledStart(ASKED, [], NOW).lateMs, undefined);
});

test('a late start is reported with its delay and the scheduled time', () => {
  assert.match(
    unpunctuality({ askedFor: ASKED, lateMs: 3_210 }) ?? '',
    /started 3\.2 s late \(scheduled for 2026-11-22T02:00/,
  );
  for (const lateMs of [undefined, -1, 0, 99]) {
    assert.is(unpunctuality({ askedFor: ASKED, lateMs }), undefined);
  }
});

test('an early start is reported, with the reason', () => {
  assert.match(
    unpunctuality({ askedFor: ASKED, lateMs: -3_598_000 }) ?? '',
    /started 3598\.0 s before .*2026-11-22T02:00.*the clock was set back/,
  );
});

/** Sets the wall clock of this process back until disposed. */
function setBack(byMs: number): Disposable {
  const now = Date.now;
  Date.now = () => now() - byMs;
  return {
    [Symbol.dispose]: () => {
      Date.now = now;
    },
  };
}

function inMs(ms: number): ReturnType<typeof limitedStart> {
  const wallClockMs = Date.now();
  const now = { monotonicNs: process.hrtime.bigint(), wallClockMs };
  return limitedStart(new Date(wallClockMs + ms), now);
}

test('a run that holds something does not wait for a clock that was set back', async () => {
  const start = inMs(300);
  using _clock = setBack(3_600_000);
  const leftMs = leftUntilStart(start);
  assert.ok(leftMs <= 2_300 && leftMs > 0, String(leftMs));
  await waitExactly(start, new AbortController().signal);
  assert.ok(process.hrtime.bigint() >= (start.latestNs ?? 0n));
});

test('otherwise it starts by the wall clock, also if that was set forward', async () => {
  const { signal } = new AbortController();
  const soon = inMs(50);
  await waitExactly(soon, signal);
  assert.ok(Date.now() >= soon.at.getTime());
  const later = inMs(3_600_000);
  using _clock = setBack(-3_600_000);
  await waitExactly(later, signal);
  assert.ok(Date.now() >= later.at.getTime());
});

test('only a start that is farther ahead than preparing twice takes is far ahead', () => {
  const aheadBy = (seconds: number): boolean =>
    isFarAhead(ASKED, ASKED.getTime() - seconds * 1_000);
  assert.equal([3_600, 46, 45, 1, -1].map(aheadBy), [true, true, false, false, false]);
  assert.is(isFarAhead(undefined, NOW.wallClockMs), false);
});

test.run();
