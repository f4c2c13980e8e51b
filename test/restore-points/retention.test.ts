import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  ageMsOf,
  BUCKETS,
  type Bucket,
  isEmptyRule,
  type RetentionRule,
  reasonsToKeep,
} from '../../src/restore-points/retention.ts';
import { suite } from '../suite.ts';

const test = suite('which restore points stay');

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = new Date('2020-01-01T00:00:00Z');

/** What stays, by the times as they were given; the newest must be the first. */
function kept(times: readonly string[], rule: RetentionRule, now = NOW): string[] {
  const reasons = reasonsToKeep(
    times.map((time) => new Date(time)),
    rule,
    now,
  );
  return times.filter((_, index) => (reasons[index]?.length ?? 0) > 0);
}

/** The example of restic's documentation: a backup every Sunday for 12 weeks. */
const SUNDAYS = Array.from({ length: 12 }, (_, week) =>
  new Date(Date.parse('2019-11-17T11:00:00Z') - week * 7 * DAY).toISOString(),
);
const HOURS = Array.from({ length: 100 }, (_, hour) =>
  new Date(Date.parse('2019-11-17T23:30:00Z') - hour * HOUR).toISOString(),
);

/** Written from restic's documentation of `forget` (doc/060_forget.rst). */
const DOCUMENTED: readonly (readonly [
  why: string,
  times: readonly string[],
  rule: RetentionRule,
  kept: readonly string[],
])[] = [
  ['--keep-daily 4 keeps the last four Sundays', SUNDAYS, { daily: 4 }, SUNDAYS.slice(0, 4)],
  ['the most recent n', HOURS, { last: 3 }, HOURS.slice(0, 3)],
  [
    'the most recent of each of the last n days that have one',
    HOURS,
    { daily: 2 },
    ['2019-11-17T23:30:00.000Z', '2019-11-16T23:30:00.000Z'],
  ],
  [
    'days without one do not count',
    [
      '2019-11-17T01:00:00Z',
      '2019-11-17T00:00:00Z',
      '2019-09-01T00:00:00Z',
      '2019-08-01T00:00:00Z',
    ],
    { daily: 2 },
    ['2019-11-17T01:00:00Z', '2019-09-01T00:00:00Z'],
  ],
  [
    'hours are those of the clock, not spans of 60 minutes',
    [
      '2019-11-17T10:01:00Z',
      '2019-11-17T09:59:00Z',
      '2019-11-17T09:58:00Z',
      '2019-11-17T08:00:00Z',
    ],
    { hourly: 2 },
    ['2019-11-17T10:01:00Z', '2019-11-17T09:59:00Z'],
  ],
  [
    'weeks are Monday to Sunday',
    [
      '2019-11-18T00:00:00Z',
      '2019-11-17T23:59:00Z',
      '2019-11-11T00:00:00Z',
      '2019-11-10T23:59:00Z',
      '2019-11-04T00:00:00Z',
    ],
    { weekly: 3 },
    ['2019-11-18T00:00:00Z', '2019-11-17T23:59:00Z', '2019-11-10T23:59:00Z'],
  ],
  [
    'a week at the turn of a year is one',
    [
      '2019-01-01T00:00:00Z',
      '2018-12-31T00:00:00Z',
      '2018-12-30T00:00:00Z',
      '2018-12-20T00:00:00Z',
    ],
    { weekly: 2 },
    ['2019-01-01T00:00:00Z', '2018-12-30T00:00:00Z'],
  ],
  [
    'months and years',
    [
      '2019-11-02T00:00:00Z',
      '2019-11-01T00:00:00Z',
      '2019-10-31T00:00:00Z',
      '2018-12-31T00:00:00Z',
      '2017-01-01T00:00:00Z',
    ],
    { monthly: 2, yearly: 2 },
    ['2019-11-02T00:00:00Z', '2019-10-31T00:00:00Z', '2018-12-31T00:00:00Z'],
  ],
  ['the rules are joined by or', HOURS, { last: 1, daily: 1, hourly: 2 }, HOURS.slice(0, 2)],
  [
    'the oldest stays too if a count is not used up',
    ['2019-11-17T12:00:00Z', '2019-11-17T11:00:00Z', '2019-11-17T10:00:00Z'],
    { daily: 2 },
    ['2019-11-17T12:00:00Z', '2019-11-17T10:00:00Z'],
  ],
  [
    'but not if it is',
    ['2019-11-17T12:00:00Z', '2019-11-16T11:00:00Z', '2019-11-16T10:00:00Z'],
    { daily: 2 },
    ['2019-11-17T12:00:00Z', '2019-11-16T11:00:00Z'],
  ],
  [
    'within is counted from the newest, not from now',
    SUNDAYS,
    { withinMs: 15 * DAY },
    SUNDAYS.slice(0, 3),
  ],
  [
    'what is in the future stays, and does not count',
    ['2021-01-01T00:00:00Z', '2019-11-17T00:00:00Z', '2019-11-16T00:00:00Z'],
    { last: 1 },
    ['2021-01-01T00:00:00Z', '2019-11-17T00:00:00Z'],
  ],
  ['an empty policy removes nothing', SUNDAYS, {}, SUNDAYS],
];

test("as restic's documentation says", () => {
  for (const [why, times, rule, expected] of DOCUMENTED) {
    assert.equal(kept(times, rule), expected, why);
  }
});

test('daily 7, weekly 5, monthly 12, yearly 75 of a hundred years of daily backups', () => {
  const first = Date.parse('1920-01-01T12:00:00Z');
  const times = Array.from({ length: 36_524 }, (_, day) =>
    new Date(first + day * DAY).toISOString(),
  )
    .reverse()
    .filter((time) => time < NOW.toISOString());
  const rule = { daily: 7, weekly: 5, monthly: 12, yearly: 75 };
  const stays = kept(times, rule).length;
  // 7 + 4 or 5 + 11 or 12 + 74 or 75, as restic's documentation counts them.
  assert.ok(stays >= 7 + 4 + 11 + 74 - 2 && stays <= 7 + 5 + 12 + 75, String(stays));
});

test('beyond restic: what is not older than an age stays, whatever the other rules say', () => {
  const now = new Date(Date.parse('2019-11-17T12:00:00Z'));
  assert.equal(kept(SUNDAYS, { olderThanMs: 15 * DAY }, now), SUNDAYS.slice(0, 3));
  assert.equal(kept(SUNDAYS, { last: 1, olderThanMs: 8 * DAY }, now), SUNDAYS.slice(0, 2));
});

test('the reasons name hour, day, week, month and year in UTC', () => {
  const [reasons] = reasonsToKeep(
    [new Date('2026-11-29T23:30:00-05:00')],
    { last: 1, hourly: 1, daily: 1, weekly: 1, monthly: 1, yearly: 1, withinMs: 14 * DAY },
    new Date('2026-12-01T00:00:00Z'),
  );
  assert.equal(reasons, [
    'last 1',
    'hourly 2026-11-30T04h',
    'daily 2026-11-30',
    'weekly 2026-W49',
    'monthly 2026-11',
    'yearly 2026',
    'within 14d',
  ]);
});

/** The start of the hour, day, … of a time, found by going back from it hour by hour. */
const START_OF: Readonly<Record<Exclude<Bucket, 'last'>, (hour: Date) => boolean>> = {
  hourly: () => true,
  daily: (hour) => hour.getUTCHours() === 0,
  weekly: (hour) => hour.getUTCHours() === 0 && hour.getUTCDay() === 1,
  monthly: (hour) => hour.getUTCHours() === 0 && hour.getUTCDate() === 1,
  yearly: (hour) => hour.getUTCHours() === 0 && hour.getUTCDate() === 1 && hour.getUTCMonth() === 0,
};

function startOf(bucket: Exclude<Bucket, 'last'>, at: Date): number {
  let hour = new Date(Math.floor(at.getTime() / HOUR) * HOUR);
  while (!START_OF[bucket](hour)) {
    hour = new Date(hour.getTime() - HOUR);
  }
  return hour.getTime();
}

const someTimes = fc
  .array(fc.integer({ min: 0, max: 500 * 24 }), { maxLength: 20 })
  .map((hours) =>
    hours.toSorted((a, b) => a - b).map((hour) => new Date(NOW.getTime() - hour * HOUR - 1)),
  );

test('each rule keeps the newest of so many spans, and at most one more: the oldest', () => {
  fc.assert(
    fc.property(
      someTimes,
      fc.constantFrom(...BUCKETS),
      fc.integer({ min: 1, max: 6 }),
      (times, bucket, count) => {
        const spans =
          bucket === 'last'
            ? times.map((_, index) => [index])
            : [
                ...Map.groupBy(times.keys(), (index) =>
                  startOf(bucket, times[index] ?? NOW),
                ).values(),
              ];
        const expected = new Set(spans.slice(0, count).map(([newest]) => newest));
        if (spans.length < count && times.length > 0) {
          expected.add(times.length - 1);
        }
        const reasons = reasonsToKeep(times, { [bucket]: count }, NOW);
        assert.equal(
          new Set(reasons.flatMap((it, index) => (it.length > 0 ? [index] : []))),
          expected,
        );
      },
    ),
  );
});

const someRule = fc.record(
  {
    ...Object.fromEntries(BUCKETS.map((bucket) => [bucket, fc.integer({ min: 1, max: 5 })])),
    withinMs: fc.integer({ min: HOUR, max: 90 * DAY }),
    olderThanMs: fc.integer({ min: HOUR, max: 90 * DAY }),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<RetentionRule>;

test('a rule more never removes more, and what was kept stays when pruned again', () => {
  fc.assert(
    fc.property(someTimes, someRule, someRule, (times, rule, more) => {
      const stays = (of: readonly Date[], by: RetentionRule) =>
        of.filter((_, index) => (reasonsToKeep(of, by, NOW)[index]?.length ?? 0) > 0);
      const first = stays(times, rule);
      const both = stays(times, { ...more, ...rule });
      assert.ok(isEmptyRule(rule) || first.every((at) => both.includes(at)));
      assert.equal(stays(first, rule), first);
    }),
  );
});

test('ages', () => {
  // restic's m is months, and 0 would keep nothing.
  const none = ['', '30', '1y', '-1d', '1.5d', '6m', '0d', '00h'];
  assert.equal(['12h', '30d', '4w', ...none].map(ageMsOf), [
    12 * HOUR,
    30 * DAY,
    28 * DAY,
    ...none.map(() => undefined),
  ]);
});

test.run();
