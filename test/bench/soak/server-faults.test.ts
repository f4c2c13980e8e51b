import * as assert from 'uvu/assert';
import { drawFault } from '../../../bench/soak/server-faults.ts';
import { seededRandom } from '../../../src/lab/blob-server/random.ts';
import { suite } from '../../suite.ts';

const test = suite('server faults of a soak');

const draw = (seed: number) => {
  const random = seededRandom(seed);
  return Array.from({ length: 2_000 }, () => drawFault(random, 4));
};

test('the same seed draws the same faults', () => {
  assert.equal(draw(7), draw(7));
  assert.not.equal(draw(7), draw(8));
});

test('most runs are undisturbed, some cannot succeed, every disk gets its share', () => {
  const drawn = draw(1);
  const share = (kind: string): number =>
    drawn.filter((it) => it.kind === kind).length / drawn.length;
  assert.ok(share('none') > 0.55 && share('none') < 0.65);
  assert.ok(share('final') > 0.02 && share('final') < 0.08);
  assert.equal([...new Set(drawn.map(({ disk }) => disk))].sort(), [0, 1, 2, 3]);
});

test('what goes wrong goes wrong once, with one blob', () => {
  for (const { kind, rule, latencyMs, disk } of draw(3)) {
    assert.is(rule === undefined && latencyMs === undefined, kind === 'none');
    if (rule !== undefined) {
      assert.is(rule.blob, `disk${disk}`);
      assert.is(rule.times, 1);
    }
  }
});

test.run();
