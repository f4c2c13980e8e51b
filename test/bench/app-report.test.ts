import * as assert from 'uvu/assert';
import { renderThroughput, throughputOf } from '../../bench/scenarios/app-report.ts';
import { suite } from '../suite.ts';

const test = suite('throughput chart');

test('counts what was acknowledged in each step, as a rate of one round', () => {
  const { perSecond } = throughputOf([-100, -99, -1, 0, 49, 99, 100, -101], 2, {
    fromMs: -100,
    toMs: 100,
    stepMs: 50,
  });
  assert.equal(perSecond, [20, 10, 20, 10]);
});

test('draws a column for each step, and the barrier between the right ones', () => {
  const chart = renderThroughput({ fromMs: -200, stepMs: 100, perSecond: [80, 80, 0, 40] });
  const rows = chart.split('\n');
  assert.is(rows[1], '      80 │██  ');
  assert.is(rows[8], '       0 │██ █');
  assert.is(rows[9], '         └──┴─');
  assert.match(chart, 'barrier');
});

test.run();
