import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { roundRobin } from '../../../src/snapshot/blob/lane-pool.ts';
import { suite } from '../../suite.ts';

const test = suite('assignment of targets to lanes');

test('every target has one lane, and the lanes’ counts differ by at most one', () => {
  fc.assert(
    fc.property(fc.nat({ max: 100 }), fc.integer({ min: 0, max: 10 }), (targets, lanes) => {
      const hands = roundRobin(targets, lanes);
      const all = hands.flat().sort((a, b) => a - b);
      assert.equal(
        all,
        Array.from({ length: targets }, (_, index) => index),
      );
      const sizes = hands.map((hand) => hand.length);
      assert.ok(sizes.every((size) => size > 0));
      assert.ok(targets === 0 || Math.max(...sizes) - Math.min(...sizes) <= 1);
      assert.ok(hands.length <= Math.max(1, lanes));
    }),
  );
});

test.run();
