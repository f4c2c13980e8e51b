import * as assert from 'uvu/assert';
import { Bucket } from '../../../src/lab/managed/bucket.ts';
import { suite } from '../../suite.ts';

const test = suite('a bucket of requests');

type Take = readonly [atMs: number, waitSeconds: number | undefined];
const cases: readonly (readonly [
  what: string,
  capacity: number,
  perSecond: number,
  takes: readonly Take[],
])[] = [
  [
    'as many as it holds',
    2,
    0.1,
    [
      [0, undefined],
      [0, undefined],
      [0, 10],
    ],
  ],
  [
    'what comes back with time',
    1,
    2,
    [
      [0, undefined],
      [500, undefined],
    ],
  ],
  [
    'no more than it holds',
    1,
    10,
    [
      [0, undefined],
      [10_000, undefined],
      [10_000, 1],
    ],
  ],
  [
    'earlier than told: from the start again',
    1,
    2,
    [
      [0, undefined],
      [0, 1],
      [900, 1],
      [1800, 1],
    ],
  ],
  [
    'as told',
    1,
    2,
    [
      [0, undefined],
      [0, 1],
      [1000, undefined],
    ],
  ],
  [
    'nothing comes back',
    1,
    0,
    [
      [0, undefined],
      [0, 3600],
    ],
  ],
];
for (const [what, capacity, perSecond, takes] of cases) {
  test(what, () => {
    const bucket = new Bucket(capacity, perSecond);
    for (const [atMs, waitSeconds] of takes) {
      assert.is(bucket.take(atMs), waitSeconds, `at ${atMs} ms`);
    }
  });
}

test('what is left is never less than nothing', () => {
  const bucket = new Bucket(1, 0);
  bucket.take(0);
  bucket.take(0);
  assert.is(bucket.left, 0);
});

test.run();
