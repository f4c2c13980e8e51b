import * as assert from 'uvu/assert';
import { seededRandom } from '../../lab/blob-server/random.ts';
import { suite } from '../../suite.ts';
import { type Drawn, drawRound, FAULT_KINDS } from './draw.ts';

const test = suite('draw of a campaign');

function draw(seed: number, rounds: number): Drawn[] {
  const random = seededRandom(seed);
  return Array.from({ length: rounds }, () => drawRound(random));
}

test('the same seed draws the same rounds, another seed others', () => {
  assert.equal(draw(7, 50), draw(7, 50));
  assert.not.equal(draw(7, 50), draw(8, 50));
});

test('every kind comes up, at moments over the whole run and in the window', () => {
  const rounds = draw(1, 300);
  for (const kind of FAULT_KINDS) {
    assert.ok(rounds.filter((it) => it.kind === kind).length > 10, kind);
  }
  assert.ok(rounds.filter(({ from }) => from === 'start').length > 30);
  assert.ok(rounds.filter(({ from }) => from === 'arm').length > 150);
});

test('draws only the kinds asked for', () => {
  const random = seededRandom(1);
  const kinds = Array.from({ length: 20 }, () => drawRound(random, ['busy-loop']).kind);
  assert.equal([...new Set(kinds)], ['busy-loop']);
});

test.run();
