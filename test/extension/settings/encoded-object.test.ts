import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FlashfreezeError } from '../../../src/errors.ts';
import { decodeBase64, readEncodedObject } from '../../../src/extension/settings/encoded-object.ts';
import { parseJson } from '../../../src/system/json.ts';
import { suite } from '../../suite.ts';
import { PRIVATE_OBJECT } from '../fixtures/samples.ts';

const test = suite('objectStr');

/** What must not need a warning. */
function readExact(text: string, label: string): unknown {
  return readEncodedObject(text, label, (warning) => assert.fail(warning));
}

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

test('the sample of the public documentation is read: five disks, escaped slashes', () => {
  const object = readExact(encode(PRIVATE_OBJECT), 'it');
  assert.deepEqual(object, JSON.parse(PRIVATE_OBJECT));
});

test('white space, single quotes and a byte order mark around the text are dropped', () => {
  for (const text of [
    '{"a": "it\'s"}',
    ' \'{"a": "it\'s"}\' ',
    "\r\n''{\"a\": \"it's\"}''\n",
    '\ufeff{"a": "it\'s"}',
    '\' {"a": "it\'s"} \'\0'.slice(0, -1),
  ]) {
    assert.deepEqual(readExact(encode(text), 'it'), { a: "it's" }, text);
  }
});

test('base64 may be broken into lines, quoted, unpadded, and of the alphabet for URLs', () => {
  const text = '{"a": "ÿþ~~??>>"}';
  const base64 = encode(text);
  for (const variant of [
    base64.replace(/(.{8})/g, '$1\r\n'),
    ` '${base64}'\n`,
    `"${base64}"\0`,
    base64.replace(/=+$/, ''),
    base64.replaceAll('+', '-').replaceAll('/', '_'),
  ]) {
    assert.deepEqual(readExact(variant, 'it'), { a: 'ÿþ~~??>>' }, variant);
  }
});

test('nothing inside is nothing', () => {
  for (const text of ['', ' ', "''"]) {
    assert.equal(readExact(encode(text), 'it'), undefined);
  }
  assert.equal(readExact(encode('null'), 'it'), null);
});

test('every value comes back, with anything around it', () => {
  const around = fc.string({ unit: fc.constantFrom(' ', '\n', "'", '\t') });
  fc.assert(
    fc.property(fc.json(), around, around, (json, before, after) => {
      assert.deepEqual(readExact(encode(`${before}${json}${after}`), 'it'), parseJson(json, 'it'));
    }),
  );
});

test('what is no base64, no UTF-8 or no JSON is refused, and nothing of it is quoted', () => {
  for (const [text, problem] of [
    ['geheim!', 'base64'],
    ['{"geheim": 1}', 'base64'],
    ['geheimnis', 'base64'],
    ['Z2VoZWlt===', 'base64'],
    ['Z2Vo=ZWlt', 'base64'],
    ['gehéim', 'base64'],
    [Buffer.from('"gehéim"', 'latin1').toString('base64'), 'UTF-8'],
    [encode('geheim'), 'JSON'],
    [encode('{"geheim": '), 'JSON'],
  ] as const) {
    assert.throws(
      () => readExact(text, 'objectStr'),
      (error) => {
        assert.ok(error instanceof FlashfreezeError && error.code === 'FF_SETTINGS_INVALID', text);
        assert.match(error.message, /^objectStr/);
        assert.ok(error.message.includes(problem), error.message);
        assert.doesNotMatch(error.message, /geh/);
        return true;
      },
    );
  }
});

test('what is no base64 is passed over with a warning if an object is left: Python does so', () => {
  const base64 = encode('{"a": "x"}');
  for (const variant of [
    `${base64.slice(0, 6)}*${base64.slice(6)}`,
    `${base64.slice(0, 6)}\u200b${base64.slice(6)}`,
    `-----${base64}`,
    `${encode('{"a":   "x"}')}====`,
    `${encode('{"a":  "x"}')}QUJD`,
  ]) {
    const warnings: string[] = [];
    const read = readEncodedObject(variant, 'objectStr', (warning) => warnings.push(warning));
    assert.deepEqual(read, { a: 'x' }, variant);
    assert.deepEqual(warnings, ['objectStr has characters that are not base64; they are ignored']);
  }
});

test('NUL after the object, and NaN in it, do not make it unreadable', () => {
  assert.deepEqual(readExact(encode('{"a": NaN}\0'), 'it'), { a: null });
});

test('all bytes survive base64', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const decoded = decodeBase64(Buffer.from(bytes).toString('base64'), 'it');
      assert.deepEqual(new Uint8Array(decoded), bytes);
    }),
  );
});

test.run();
