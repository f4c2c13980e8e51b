import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readTicks } from '../../../src/extension/settings/ticks.ts';
import { suite } from '../../suite.ts';

const test = suite('.NET ticks');

for (const [ticks, time] of [
  ['0', '0001-01-01T00:00:00.000Z'],
  ['621355968000000000', '1970-01-01T00:00:00.000Z'],
  ['636458000000000000', '2017-11-09T04:53:20.000Z'],
  ['639310000000000000', '2026-11-23T03:06:40.000Z'],
  ['621355968000010000', '1970-01-01T00:00:00.001Z'],
  ['621355968000010001', '1970-01-01T00:00:00.002Z'],
  ['621355967999990001', '1970-01-01T00:00:00.000Z'],
  ['621355967999990000', '1969-12-31T23:59:59.999Z'],
  ['3155378975999990000', '9999-12-31T23:59:59.999Z'],
] as const) {
  test(`${ticks} is ${time}`, () => {
    const start = readTicks(ticks);
    assert.equal(start?.at.toISOString(), time);
    assert.equal(start.ticks, ticks);
  });
}

test('white space around is dropped', () => {
  assert.equal(readTicks(' 636458000000000000\r\n')?.ticks, '636458000000000000');
});

test('what is no whole number in decimal digits is refused, and what .NET does not know', () => {
  for (const text of [
    '',
    ' ',
    '6.36458E+17',
    '6.36458E\u00a0+\u00a017',
    '6,36458E+17',
    '636458000000000000.0',
    '636,458,000,000,000,000',
    '636 458 000 000 000 000',
    '-1',
    '+636458000000000000',
    '0x1',
    '٦٣٦٤٥٨٠٠٠٠٠٠٠٠٠٠٠٠',
    '2017-11-09T16:26:40Z',
    '3155378976000000000',
    '99999999999999999999',
    'null',
  ]) {
    assert.equal(readTicks(text), undefined, text);
  }
});

test('every time is exact to the millisecond, and never before the one asked for', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 3_155_378_975_999_990_000n }), (ticks) => {
      const at = readTicks(`${ticks}`)?.at.getTime() ?? Number.NaN;
      const back = BigInt(at) * 10_000n + 621_355_968_000_000_000n;
      assert.ok(back >= ticks && back - ticks < 10_000n);
    }),
  );
});

test.run();
