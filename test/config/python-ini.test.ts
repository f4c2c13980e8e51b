import * as assert from 'uvu/assert';
import { parsePythonIni, unquoted } from '../../src/config/python-ini.ts';
import { suite } from '../suite.ts';

const test = suite('INI files made for Python');

/** What Python's ConfigParser reads, as Python 3.11 says. */
const AS_PYTHON: readonly [name: string, text: string, values: Record<string, string>][] = [
  ['a colon', '[w]\na : b=c:d', { a: 'b=c:d' }],
  ['keys in any case', '[w]\nA b = 1', { 'a b': '1' }],
  ['options that are all indented', '[w]\n  a = 1\n  b = 2', { a: '1', b: '2' }],
  ['an indented section', '  [w]\n\ta = 1', { a: '1' }],
  ['a comment behind a section', '[w] ; mine\na = 1', { a: '1' }],
  ['a doubled percent sign', '[w]\na = 50%%off', { a: '50%off' }],
  [
    'a value that names another',
    '[w]\nhome = /opt\na = %(HOME)s/bin',
    { home: '/opt', a: '/opt/bin' },
  ],
  ['defaults', '[DEFAULT]\na = 1\nb = 2\n[w]\nb = 3', { a: '1', b: '3' }],
  ['quotation marks', `[w]\na = "b c"\nd = 'e' 'f'`, { a: '"b c"', d: "'e' 'f'" }],
  ['a number sign in a quotation', '[w]\na = -p"b #c" d', { a: '-p"b #c" d' }],
  ['marks inside a word', '[w]\na = b;c#d\\;e', { a: 'b;c#d\\;e' }],
  ['backslashes', '[w]\na = b\\\\c\\#', { a: 'b\\\\c\\#' }],
  ['a byte order mark, and lines of DOS', '\ufeff[w]\r\na = 1\r\n', { a: '1' }],
  ['an empty value', '[w]\na =\nb = 1', { a: '', b: '1' }],
];

for (const [name, text, values] of AS_PYTHON) {
  test(`reads ${name} as Python does`, () => {
    const { sections, problems } = parsePythonIni(text, 'keep');
    assert.equal(problems, []);
    assert.equal(Object.fromEntries(sections.get('w') ?? []), values);
    assert.equal([...sections.keys()], ['w']);
  });
}

test('is more lenient where Python refuses, or takes a comment for a value', () => {
  const text = `[w]\na = 30 ; half a minute\nb = p%40x %(c)s\nd = o'brien # his\ne = # none\nf = 1\n  2 # two`;
  const { sections } = parsePythonIni(text);
  assert.equal(Object.fromEntries(sections.get('w') ?? []), {
    ...{ a: '30', b: 'p%40x %(c)s', d: "o'brien", e: '', f: '1,2' },
  });
});

test('a value that names itself ends', () => {
  const { sections } = parsePythonIni('[w]\na = %(a)s');
  assert.is(sections.get('w')?.get('a'), '%(a)s');
});

test('drops the quotation marks around a whole value, and no others', () => {
  const values: readonly [string, string][] = [
    ['"a b"', 'a b'],
    [`'a "b"'`, 'a "b"'],
    [`"a" "b"`, `"a" "b"`],
    [`'a`, `'a`],
    ['', ''],
  ];
  for (const [value, expected] of values) {
    assert.is(unquoted(value), expected);
    assert.is(parsePythonIni(`[w]\na = ${value}`).sections.get('w')?.get('a'), expected);
  }
});

test.run();
