import fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  median,
  orderOfRound,
  pairRatios,
  quantile,
  summarizeFigures,
} from '../../bench/statistics.ts';
import { suite } from '../suite.ts';

const test = suite('bench statistics');
const figures = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });

test('a quantile between two figures is interpolated', () => {
  assert.is(quantile([4, 1, 3, 2], 0.5), 2.5);
  assert.is(quantile([1, 2, 3], 0.5), 2);
  assert.is(quantile([0, 10], 0.9), 9);
  assert.is(quantile([7], 0.9), 7);
});

test('without figures there is no median, and that shows', () => {
  assert.ok(Number.isNaN(median([])));
  assert.is(summarizeFigures([]).count, 0);
});

test('a summary is in order whatever the figures', () => {
  fc.assert(
    fc.property(figures, (values) => {
      const { min, p25, median: middle, p75, p90, max } = summarizeFigures(values);
      assert.ok(min <= p25 && p25 <= middle && middle <= p75 && p75 <= p90 && p90 <= max);
      assert.is(min, Math.min(...values));
      assert.is(max, Math.max(...values));
    }),
  );
});

test('ratios are taken pair by pair, without the pairs that failed', () => {
  assert.equal(pairRatios([2, 9, undefined, 8], [1, undefined, 5, 4]), [2, 2]);
});

test('every other round runs the other way round', () => {
  assert.equal(
    [0, 1, 2].map((round) => orderOfRound(round, ['a', 'b'])),
    [
      ['a', 'b'],
      ['b', 'a'],
      ['a', 'b'],
    ],
  );
});

test.run();
