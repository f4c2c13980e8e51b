import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { findCut, type Observation } from '../../bench/proof/cut.ts';
import { type Chain, expectedHolding, stepOf } from '../../bench/proof/order.ts';
import { decodeRecords, encodeRecord } from '../../bench/proof/record.ts';
import { suite } from '../suite.ts';

const test = suite('the ordered writer and the cut');

const anyChain = fc
  .integer({ min: 2, max: 12 })
  .chain((count) =>
    fc.shuffledSubarray(
      Array.from({ length: count }, (_, place) => place),
      { minLength: count },
    ),
  )
  .map((places): Chain => ({ number: 0, places }));

/** What the places show when each was copied after a number of records of its own. */
function observe(chain: Chain, copiedAfter: (place: number) => number): Observation[] {
  return chain.places.map((place) => ({
    place,
    damage: [],
    ...expectedHolding(chain, place, copiedAfter(place)),
  }));
}

test('copies of one instant are a cut, whatever the instant', () => {
  fc.assert(
    fc.property(anyChain, fc.nat(600), (chain, last) => {
      const finding = findCut(
        chain,
        observe(chain, () => last),
      );
      assert.equal(finding.violations, []);
      assert.is(finding.last, last);
    }),
  );
});

test('a place copied before a record that a later one follows is found', () => {
  fc.assert(
    fc.property(anyChain, fc.integer({ min: 30, max: 600 }), fc.nat(20), (chain, last, back) => {
      const late = stepOf(chain, last - (back % (chain.places.length - 1)) - 1).place;
      const finding = findCut(
        chain,
        observe(chain, (place) => (place === late ? last - chain.places.length - 1 : last)),
      );
      assert.ok(finding.violations.length > 0);
      assert.ok(finding.violations.every((it) => it.place === late));
    }),
  );
});

test('places copied at different instants are found exactly when a record came between', () => {
  fc.assert(
    fc.property(anyChain, fc.nat(300), fc.nat(300), fc.nat(11), (chain, first, second, which) => {
      const [early, later] = [Math.min(first, second), Math.max(first, second)];
      const odd = chain.places[which % chain.places.length];
      const finding = findCut(
        chain,
        observe(chain, (place) => (place === odd ? early : later)),
      );
      const seen = Math.max(
        ...Array.from({ length: later }, (_, index) => index + 1).filter(
          (k) => k <= early || stepOf(chain, k).place !== odd,
        ),
        0,
      );
      const lost = Array.from({ length: seen }, (_, index) => index + 1).some(
        (k) => k > early && stepOf(chain, k).place === odd,
      );
      assert.is(finding.violations.length > 0, lost);
    }),
  );
});

test('every record has one place and comes back in its holding', () => {
  fc.assert(
    fc.property(anyChain, fc.integer({ min: 1, max: 500 }), (chain, k) => {
      const { place, kind, slot } = stepOf(chain, k);
      const { appended, slots } = expectedHolding(chain, place, k);
      assert.is(kind === 'append' ? appended.at(-1) : slots.get(slot), k);
    }),
  );
});

test('a gap in the middle, a doubled record and a foreign one are found', () => {
  const chain: Chain = { number: 0, places: [0, 1] };
  const [zero, one] = observe(chain, () => 40);
  assert.ok(zero !== undefined && one !== undefined);
  const { appended } = zero;
  const variants = [
    appended.filter((_, index) => index !== 3),
    [...appended.slice(0, 4), ...appended.slice(3)],
    [...appended.slice(0, -1), 2],
  ];
  for (const variant of variants) {
    assert.ok(findCut(chain, [{ ...zero, appended: variant }, one]).violations.length > 0);
  }
});

test('damage is a violation', () => {
  const chain: Chain = { number: 0, places: [0, 1] };
  const [zero, one] = observe(chain, () => 40);
  assert.ok(zero !== undefined && one !== undefined);
  const finding = findCut(chain, [{ ...zero, damage: ['torn'] }, one]);
  assert.equal(finding.violations, [{ kind: 'damaged', place: 0, reason: 'torn' }]);
});

test('records come back from their bytes; torn, zeroed and foreign ones are damage', () => {
  const bytes = Buffer.concat([encodeRecord(1, 7), encodeRecord(1, 9)]);
  assert.equal(decodeRecords(1, bytes, 'log'), { numbers: [7, 9], damage: [] });
  assert.is(decodeRecords(1, bytes.subarray(0, -1), 'log').damage.length, 1);
  assert.is(decodeRecords(2, bytes, 'log').damage.length, 2);
  assert.is(decodeRecords(1, Buffer.alloc(64), 'log').damage.length, 1);
});

test.run();
