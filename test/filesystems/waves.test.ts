import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type Dependent, wavesOf } from '../../src/filesystems/waves.ts';
import { suite } from '../suite.ts';

const test = suite('waves');

const plain: Dependent = { holders: [], hasHiddenHolder: false };
const on = (...holders: number[]): Dependent => ({ holders, hasHiddenHolder: false });
const hidden: Dependent = { holders: [], hasHiddenHolder: true };

const CASES: readonly [name: string, dependents: Dependent[], waves: number[]][] = [
  ['nothing', [], []],
  ['independent ones together', [plain, plain, plain], [0, 0, 0]],
  ['an image before its holder, the rest at once', [plain, on(0), plain], [1, 0, 0]],
  ['a chain', [plain, on(0), on(1), on(2)], [3, 2, 1, 0]],
  ['two images on one, one image on two', [plain, on(0), on(0), on(0, 4), plain], [1, 0, 0, 0, 1]],
  ['hidden holders before all others', [plain, hidden, plain, hidden], [1, 0, 1, 0]],
  ['an image on one with a hidden holder first', [plain, hidden, on(1), on(0)], [3, 1, 0, 2]],
  [
    'a holder that is known of one whose other is hidden',
    [plain, { holders: [0], hasHiddenHolder: true }],
    [1, 0],
  ],
];

for (const [name, dependents, waves] of CASES) {
  test(name, () => assert.equal(wavesOf(dependents), waves));
}

/** Holders have a lower position, so there is no circle. */
const anyDependents = fc
  .array(
    fc.record({
      holders: fc.uniqueArray(fc.nat(40), { maxLength: 3 }),
      hasHiddenHolder: fc.boolean(),
    }),
    { maxLength: 40 },
  )
  .map((all) =>
    all.map(
      ({ holders, hasHiddenHolder }, index): Dependent => ({
        holders: holders.filter((holder) => holder < index),
        hasHiddenHolder: hasHiddenHolder && index % 5 === 0,
      }),
    ),
  );

function restsOnHidden(dependents: readonly Dependent[], index: number): boolean {
  const { holders, hasHiddenHolder } = dependents[index] ?? plain;
  return hasHiddenHolder || holders.some((holder) => restsOnHidden(dependents, holder));
}

test('images come before holders, hidden holders before all that could hold, no wave is empty', () => {
  fc.assert(
    fc.property(anyDependents, (dependents) => {
      const waves = wavesOf(dependents);
      const waveOf = (index: number): number => waves[index] ?? Number.NaN;
      for (const [index, { holders, hasHiddenHolder }] of dependents.entries()) {
        assert.ok(holders.every((holder) => waveOf(index) < waveOf(holder)));
        const others = [...dependents.keys()].filter((other) => !restsOnHidden(dependents, other));
        assert.ok(!hasHiddenHolder || others.every((other) => waveOf(index) < waveOf(other)));
      }
      const used = new Set(waves);
      assert.is(used.size, waves.length === 0 ? 0 : Math.max(...waves) + 1);
    }),
  );
});

test('a circle ends, and its members are not frozen together', () => {
  const waves = wavesOf([on(1), on(0), plain, on(3), on(0)]);
  assert.is(new Set([waves[0], waves[1], waves[3]]).size, 3);
  assert.is(waves[2], 0);
});

test('a chain of 10,000 ends', () => {
  const chain = Array.from({ length: 10_000 }, (_, index) => (index === 0 ? plain : on(index - 1)));
  assert.is(wavesOf(chain)[0], 9999);
});

test.run();
