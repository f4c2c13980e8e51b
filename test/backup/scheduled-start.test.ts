import * as assert from 'uvu/assert';
import { isFarAhead, lateness, scheduledStart } from '../../src/backup/scheduled-start.ts';
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
    lateness({ askedFor: ASKED, lateMs: 3_210 }) ?? '',
    /started 3\.2 s late \(scheduled for 2026-11-22T02:00/,
  );
  for (const lateMs of [undefined, -1, 0, 99]) {
    assert.is(lateness({ askedFor: ASKED, lateMs }), undefined);
  }
});

test('only a start that is farther ahead than preparing twice takes is far ahead', () => {
  const aheadBy = (seconds: number): boolean =>
    isFarAhead(ASKED, ASKED.getTime() - seconds * 1_000);
  assert.equal([3_600, 46, 45, 1, -1].map(aheadBy), [true, true, false, false, false]);
  assert.is(isFarAhead(undefined, NOW.wallClockMs), false);
});

test.run();
