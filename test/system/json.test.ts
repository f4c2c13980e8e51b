import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FlashfreezeError } from '../../src/errors.ts';
import { member, parseJson } from '../../src/system/json.ts';
import { suite } from '../suite.ts';

const test = suite('JSON of the agent');

test('every JSON text reads as JSON.parse reads it, also with a byte order mark', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const doubles = (read: unknown): unknown =>
        JSON.parse(JSON.stringify(read, (_, it) => (typeof it === 'bigint' ? Number(it) : it)));
      assert.deepEqual(doubles(parseJson(text, 'it')), doubles(JSON.parse(text)));
      assert.deepEqual(parseJson(`\ufeff${text}`, 'it'), parseJson(text, 'it'));
    }),
  );
});

test('a whole number that a double cannot hold keeps every digit', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }),
      fc.boolean(),
      (number, isNegative) => {
        const signed = isNegative ? -number : number;
        assert.equal(parseJson(`${signed}`, 'it'), signed);
      },
    ),
  );
  assert.equal(parseJson('6.36458E+17', 'it'), 636458000000000000);
});

test('NaN and the infinities, which Python writes, are read outside of strings: NaN as null', () => {
  const text = String.raw`{"a": NaN, "b": [Infinity, -Infinity], "NaN": "NaN, \"Infinity\\"}`;
  assert.deepEqual(parseJson(text, 'it'), {
    a: null,
    b: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    NaN: `NaN, "Infinity\\`,
  });
});

test('the message names the text and does not quote it', () => {
  for (const text of [
    '',
    'geheim',
    '{"a": geheim}',
    '["geheim',
    '['.repeat(200_000),
    'nan',
    '{"a": NaNa}',
    "{'a': 1}",
  ]) {
    assert.throws(
      () => parseJson(text, 'the cake'),
      (error) => {
        assert.ok(error instanceof FlashfreezeError && error.code === 'FF_SETTINGS_INVALID');
        assert.match(error.message, /^the cake is not valid JSON \(\d+ characters\)\.$/);
        return true;
      },
    );
  }
});

test('a member is found by its exact name first, then by one that differs in case', () => {
  const object = JSON.parse('{"TASKID": 1, "taskId": 2, "Locale": 3, "__proto__": 4}');
  assert.equal(member(object, 'taskId'), 2);
  assert.equal(member(object, 'locale'), 3);
  assert.equal(member(object, '__proto__'), 4);
  for (const [value, name] of [
    [object, 'toString'],
    [['a'], '0'],
    ['text', 'length'],
    [null, 'a'],
    [undefined, 'a'],
  ] as const) {
    assert.equal(member(value, name), undefined);
  }
});

test.run();
