import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { REDACTED, Redaction, redact } from '../../src/log/redaction.ts';
import { suite } from '../suite.ts';

const test = suite('redaction');

const SECRET = 'Tywk/OXL1zvhXcLujtC+t8g3jTpgbE6JpSWRLZxAdtA=';
const ENCODED = encodeURIComponent(SECRET);

test('secrets are taken out in every form in which they are met', () => {
  const texts = [
    `GET https://a.blob.core.windows.net/vhds/x.vhd?sv=2014-02-14&sig=${ENCODED}&sp=rw`,
    `?SIG=${ENCODED}`,
    `?sig=${SECRET}&sp=rw`,
    `"https:\\/\\/a\\/x.vhd?sv=1&sig=${SECRET.replaceAll('/', '\\/')}&sp=rw"`,
    `href="x?sv=1&amp;sig=${ENCODED}&amp;sp=rw"`,
    `x?sv=1&amp;sig=${SECRET.replaceAll('+', '&#43;').replaceAll('=', '&#x3d;')}&amp;sp=rw`,
    `sv%3D1%26sig%3D${encodeURIComponent(ENCODED)}%26sp%3Drw`,
    `sv%253D1%2526sig%253D${encodeURIComponent(encodeURIComponent(ENCODED))}%2526sp`,
    `{"u":"x?sv=1\\u0026sig=${SECRET.replaceAll('+', '\\u002B').replaceAll('=', '\\u003D')}"}`,
    `{"u":"{\\"v\\":\\"x?sig=${ENCODED}\\"}"}`,
    `DefaultEndpointsProtocol=https;AccountName=a;AccountKey=${SECRET};EndpointSuffix=x`,
    `BlobEndpoint=https://a;SharedAccessSignature=sv=1&sr=b&sig=${ENCODED}`,
    `SharedAccessSignature sr=x&sig=${ENCODED}&se=1`,
    `Authorization: Bearer ${SECRET}`,
    `authorization: SharedKey account:${SECRET}`,
    `failed with bearer ${SECRET} at once`,
    `{"snapshotTaskToken": "${SECRET}"}`,
    `{'snapshotTaskToken': '${SECRET}'}`,
    `snapshotTaskToken=${SECRET}`,
    `{\\"protectedSettings\\": \\"${SECRET}\\", \\"x\\": 1}`,
    `{"protectedSettings": {"a": "}", "objectStr": "${SECRET}"}, "protectedSettingsCertThumbprint": "AB"}`,
    `&quot;protectedSettings&quot;: &quot;${SECRET}&quot;`,
    `[{"Key":"DiskEncryptionSettings","Value":"[{\\"k\\": \\"${SECRET}\\"}]"}]`,
    `x-ms-meta-DiskEncryptionSettings: ${SECRET}`,
    `URLSearchParams { 'sig' => '${SECRET}' }`,
    `credString = -u root -p${SECRET} --host x`,
    `mysql -u root -p${SECRET} -h x`,
    `mysql --user=root --password=${SECRET}`,
    `mysql --password '${SECRET}'`,
    `PGPASSWORD=${SECRET} psql`,
    `MYSQL_PWD=${SECRET}`,
    `postgres://user:${ENCODED}@localhost/db`,
    `the proxy http://${ENCODED}@proxy.example:3128 refused`,
    `{"error":"token eyJhbGciOiJSUzI1NiJ9.eyJ${SECRET.replaceAll(/[+/=]/g, '-')}.Tywk is not valid"}`,
    `-----BEGIN RSA PRIVATE KEY-----\n${SECRET}\n-----END RSA PRIVATE KEY-----`,
  ];
  for (const text of texts) {
    const redacted = redact(text);
    assert.doesNotMatch(redacted, /Tywk|XL1zvh|JpSWRL|xAdtA/, text);
    assert.match(redacted, new RegExp(REDACTED), text);
    assert.equal(redact(redacted), redacted, `redacting twice changes nothing: ${text}`);
  }
});

test('what stands around a secret is left as it is', () => {
  const cases = [
    ['at ssh://operator@host, a://b/long-path@x', 'at ssh://operator@host, a://b/long-path@x'],
    ['eyJhbGciOiJub25lIn0 alone is a header', 'eyJhbGciOiJub25lIn0 alone is a header'],
    ['x?sv=1&sig=abc%3D&sp=rw', `x?sv=1&sig=${REDACTED}&sp=rw`],
    ['{"snapshotTaskToken":"abc","n":1}', `{"snapshotTaskToken":"${REDACTED}","n":1}`],
    ['{\\"u\\":\\"x?sig=abc\\",\\"n\\":1}', `{\\"u\\":\\"x?sig=${REDACTED}\\",\\"n\\":1}`],
    ['a sig=abc, b sig=def.', `a sig=${REDACTED}, b sig=${REDACTED}`],
    ['AccountKey=abc==;EndpointSuffix=x', `AccountKey=${REDACTED};EndpointSuffix=x`],
    ['postgres://u:pw@localhost/db', `postgres://u:${REDACTED}@localhost/db`],
  ] as const;
  for (const [text, expected] of cases) {
    assert.equal(redact(text), expected);
  }
});

test('three words after a key are a sentence; one secret, and a password of words, are not', () => {
  assert.equal(redact('sig: abcdefgh'), `sig: ${REDACTED}`);
  assert.equal(redact('sig: abc def/ghi+ jkl='), `sig: ${REDACTED} def/ghi+ jkl=`);
  assert.equal(redact('password: correct horse battery'), `password: ${REDACTED} horse battery`);
  assert.equal(redact(`Authorization: Bearer ${SECRET}`), `Authorization: ${REDACTED}`);
});

test('text without secrets is unchanged', () => {
  const texts = [
    'snapshotTaskToken: null, "protectedSettings": null, "protectedSettingsCertThumbprint": "AB12"',
    'design = signal; mkdir -parents /tmp; https://host:8080/path?x=1&sp=rw mailto:a@b',
    'the bearer of this; password authentication failed for user root',
    'cannot read x.json?sig: Give a file that a run has left',
    'https://a/b?sig= (ENOENT). Give a file that a run has left',
    'the SAS has no sig: ask for a new one',
    'protectedSettings: expected an object of settings',
    'Authorization: expected a header of the request',
    'bearer authentication is not used here',
    '100% of /dev/sdc1 \\ "quoted" {"a": [1, 2]} 2026-11-22T02:41:52.639Z',
  ];
  for (const text of texts) {
    assert.equal(redact(text), text);
  }
  const ordinary = fc.string({ unit: fc.constantFrom(...'abc %&\\"\':;,{}[]/=?é\n') });
  fc.assert(fc.property(ordinary, (text) => redact(text) === text));
  fc.assert(
    fc.property(ordinary, (text) => {
      const redaction = new Redaction();
      redaction.addUrl(`https://a/b?sv=2020&sig=${ENCODED}`);
      return redaction.redact(text) === text;
    }),
  );
});

const escapes: readonly ((character: string) => string)[] = [
  (character) => character,
  (character) => encodeAll(character, '%'),
  (character) => encodeAll(character, '%').toLowerCase(),
  (character) => encodeAll(character, '%25'),
  (character) => encodeAll(character, '%2525'),
  (character) => (/[/"'&=+%\\]/.test(character) ? `\\${character}` : character),
  (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  (character) => `\\\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  (character) => (character === '&' ? '&amp;' : `&#${character.charCodeAt(0)};`),
  (character) => `&#x${character.charCodeAt(0).toString(16)};`,
];

function encodeAll(character: string, prefix: string): string {
  return Array.from(
    Buffer.from(character, 'utf8'),
    (byte) => prefix + byte.toString(16).toUpperCase().padStart(2, '0'),
  ).join('');
}

const secrets = fc.string({
  unit: fc.constantFrom(...'abcXYZ019+/=%&\\ _-.!ü'),
  minLength: 12,
  maxLength: 60,
});

test('a known secret never survives, whatever stands around it', () => {
  fc.assert(
    fc.property(secrets, fc.string(), fc.string(), (secret, before, after) => {
      const redaction = new Redaction();
      redaction.add(secret);
      assert.ok(!redaction.redact(before + secret + after).includes(secret));
    }),
    { numRuns: 2000 },
  );
});

test('a known signature never survives, in whatever mixture of escapes', () => {
  const signature = fc.base64String({ minLength: 16, maxLength: 64 });
  const choices = fc.array(fc.nat({ max: escapes.length - 1 }), { minLength: 64, maxLength: 64 });
  fc.assert(
    fc.property(signature, choices, fc.boolean(), (secret, choice, encodedWhenKnown) => {
      const redaction = new Redaction();
      redaction.addUrl(
        `https://a/b?sv=1&sig=${encodedWhenKnown ? encodeURIComponent(secret) : secret}`,
      );
      const embedded = Array.from(secret, (character, index) =>
        escapes[choice[index] ?? 0]?.(character),
      ).join('');
      assert.equal(redaction.redact(`<${embedded}>`), `<${REDACTED}>`);
    }),
    { numRuns: 2000 },
  );
});

test('a known signature never survives inside base64 or JSON', () => {
  const signature = fc.base64String({ minLength: 16, maxLength: 64 });
  fc.assert(
    fc.property(signature, fc.string(), fc.string(), (secret, before, after) => {
      const url = `https://a/b?sv=1&sig=${encodeURIComponent(secret)}&sp=rw`;
      const redaction = new Redaction();
      redaction.addUrl(url);
      const json = JSON.stringify({ before, blobSASUri: [url], after });
      const slashed = JSON.stringify({ objectStr: json }).replaceAll('/', '\\/');
      for (const text of [json, slashed, before + url, before + secret]) {
        assert.ok(!redaction.redact(text).includes(secret.slice(0, -2)));
        for (const encoding of ['base64', 'base64url'] as const) {
          const base64 = Buffer.from(text).toString(encoding);
          const decoded = Buffer.from(redaction.redact(base64).split(REDACTED)[0] ?? '', 'base64');
          assert.ok(!decoded.toString().includes(encodeURIComponent(secret).slice(4, -4)));
          assert.ok(redaction.redact(base64).includes(REDACTED));
        }
      }
    }),
  );
});

test('a known password is found percent encoded and in both kinds of base64', () => {
  const password = 'p~?>ä/wörd?~?~?>?+';
  const redaction = new Redaction();
  redaction.add(password);
  const texts = [
    encodeURIComponent(password),
    encodeURIComponent(encodeURIComponent(password)),
    Buffer.from(password).toString('base64url'),
    Buffer.from(password).toString('base64'),
    Buffer.from(encodeURIComponent(password)).toString('base64'),
    Buffer.from(JSON.stringify(password).replaceAll('/', '\\/')).toString('base64'),
  ];
  for (const text of texts) {
    assert.match(redaction.redact(`.${text}.`), /^\.(?:In)?REDACTED\.$/, text);
  }
});

test('the query of a known URL goes whole, overlapping secrets as one', () => {
  const redaction = new Redaction();
  redaction.addUrl(`https://a/b.vhd?sv=1&sig=${ENCODED}&sp=rw#x`);
  assert.equal(
    redaction.redact(`PUT https://a/b.vhd?sv=1&sig=${ENCODED}&sp=rw&comp=snapshot failed`),
    `PUT https://a/b.vhd?${REDACTED}&comp=snapshot failed`,
  );
  redaction.add('abcdef');
  redaction.add('defghi');
  assert.equal(redaction.redact('-abcdefghi-'), `-${REDACTED}-`);
});

test('known secrets are not shown by inspection', () => {
  const redaction = new Redaction();
  redaction.add('hunter2hunter2');
  assert.doesNotMatch(inspect(redaction, { depth: 9, showHidden: true }), /hunter2/);
});

/**
 * Quadratic code would take hours on these; the time limit of the test is the check, and no timing
 * is asserted.
 */
test('huge hostile texts are redacted in linear time', () => {
  const redaction = new Redaction();
  for (let disk = 0; disk < 65; disk++) {
    redaction.addUrl(`https://a/b?sv=2014-02-14&sr=b&sig=${encodeURIComponent(SECRET + disk)}`);
  }
  const base64 = Buffer.from(`${SECRET}0`).toString('base64');
  const pieces = [
    '\\',
    '%25',
    '%',
    '&amp;',
    'sig',
    'sig=',
    'sig="',
    '"',
    '-u',
    '-u x ',
    '{',
    '[{"',
  ];
  pieces.push(
    ' ',
    'a',
    '://',
    '://a:',
    'protectedSettings": {"',
    'password \\n',
    'sv=2014-',
    base64,
  );
  for (const piece of pieces) {
    for (const opening of ['', '"protectedSettings": {', 'sig=']) {
      const text = opening + piece.repeat(300_000 / piece.length);
      assert.ok(redaction.redact(text).length <= text.length * 4);
    }
  }
});

test.run();
