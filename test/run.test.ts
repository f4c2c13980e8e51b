import * as assert from 'uvu/assert';
import { suite } from './suite.ts';
import { parseUvuTotals } from './uvu-totals.ts';

const test = suite('test runner');

test('reads the totals of a uvu run', () => {
  assert.equal(parseUvuTotals('x\n  Total:     3\n  Passed:    2\n  Skipped:   1\n'), {
    total: 3,
    passed: 2,
  });
});

test('has no totals where the summary is missing, as in a file that crashed', () => {
  assert.is(parseUvuTotals('Segmentation fault'), undefined);
});

test.run();
