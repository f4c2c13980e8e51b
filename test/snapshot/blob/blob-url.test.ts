import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../../src/errors.ts';
import { redact } from '../../../src/log/redaction.ts';
import { parseBlobUrl, withoutQuery } from '../../../src/snapshot/blob/blob-url.ts';
import { suite } from '../../suite.ts';

const test = suite('blob URL');

function refusal(text: string): FlashfreezeError {
  try {
    parseBlobUrl(text, 'blob URL 1');
  } catch (error) {
    if (error instanceof FlashfreezeError) {
      return error;
    }
    throw error;
  }
  throw new Error('was accepted');
}

const ACCEPTED: [name: string, text: string, origin: string, pathname: string, query: string][] = [
  [
    'a SAS URI',
    'https://acct.blob.core.windows.net/vhds/x.vhd?sv=2014-02-14&sig=a%2Bb%3D&sp=rw',
    'https://acct.blob.core.windows.net',
    '/vhds/x.vhd',
    'sv=2014-02-14&sig=a%2Bb%3D&sp=rw',
  ],
  [
    'the path style of Azurite',
    'https://127.0.0.1:10000/devstoreaccount1/disks/d%20one.vhd?sig=x',
    'https://127.0.0.1:10000',
    '/devstoreaccount1/disks/d%20one.vhd',
    'sig=x',
  ],
  ['plain http to loopback', 'http://127.0.0.1:1/c/b', 'http://127.0.0.1:1', '/c/b', ''],
  ['plain http to localhost', 'http://localhost:1/c/b', 'http://localhost:1', '/c/b', ''],
  ['plain http to loopback in IPv6', 'http://[::1]:1/c/b', 'http://[::1]:1', '/c/b', ''],
  ['folders in the name', 'https://h/c/a/b/d', 'https://h', '/c/a/b/d', ''],
  ['an empty folder in the name', 'https://h/c//d.vhd', 'https://h', '/c//d.vhd', ''],
  ['the container $root', 'https://h/$root/d.vhd', 'https://h', '/$root/d.vhd', ''],
  [
    'a blob of $root without its container',
    'https://h/os.vhd?sig=x',
    'https://h',
    '/os.vhd',
    'sig=x',
  ],
  [
    'a query of odd characters',
    "https://h/c/b?a='%2b%2B+;?/",
    'https://h',
    '/c/b',
    "a='%2b%2B+;?/",
  ],
];

for (const [name, text, origin, pathname, query] of ACCEPTED) {
  test(`accepts ${name}`, () => {
    assert.equal(parseBlobUrl(text), { origin, pathname, query });
    assert.is(withoutQuery(text), `${origin}${pathname}`);
  });
}

test('a URL is shown byte for byte as it was given, without what may be secret', () => {
  const cases = [
    [
      'https://MD-a.Blob.example:443/ABC/%7Ed.vhd?sig=x',
      'https://MD-a.Blob.example:443/ABC/%7Ed.vhd',
    ],
    ['https://h:443/c/../c/b', 'https://h:443/c/../c/b'],
    ['https://me:pass@H:443/c/b?sig=x', 'https://h/c/b'],
    ['https://H:443/c/b#sig', 'https://h/c/b'],
    ['https://H:443/c/b\t?sig=x', 'https://h/c/b'],
  ] as const;
  for (const [given, shown] of cases) {
    assert.is(withoutQuery(given), shown);
  }
});

const REFUSED: [name: string, text: string, code: string][] = [
  ['nothing', '', 'FF_URL_INVALID'],
  ['a path', '/vhds/x.vhd', 'FF_URL_INVALID'],
  ['another protocol', 'ftp://h/c/b', 'FF_URL_INVALID'],
  ['white space around', ' https://h/c/b', 'FF_URL_INVALID'],
  ['a line break', 'https://h/c/b?sig=a\nb', 'FF_URL_INVALID'],
  ['characters that are not encoded', 'https://h/c/ü', 'FF_URL_INVALID'],
  ['plain http to another machine', 'http://acct.blob.core.windows.net/c/b', 'FF_URL_INSECURE'],
  [
    'plain http to a name that only begins like loopback',
    'http://127.0.0.1.nip.io/c/b',
    'FF_URL_INSECURE',
  ],
  ['a user name', 'https://me@h/c/b', 'FF_URL_INVALID'],
  ['a password', 'https://me:secret@h/c/b', 'FF_URL_INVALID'],
  ['a fragment', 'https://h/c/b?sig=x#top', 'FF_URL_INVALID'],
  ['no blob', 'https://h/c', 'FF_URL_INVALID'],
  ['an empty blob', 'https://h/c/', 'FF_URL_INVALID'],
  ['no container', 'https://h/', 'FF_URL_INVALID'],
  ['a SAS behind a missing question mark', 'https://h/c/b&sv=1&sig=secret', 'FF_URL_INVALID'],
  ['a SAS behind an encoded question mark', 'https://h/c/b%3Fsv=1&sig%3Dsecret', 'FF_URL_INVALID'],
  ['a snapshot', 'https://h/c/b?snapshot=2026-11-22T02:41:52.6390000Z', 'FF_URL_INVALID'],
  ['an operation', 'https://h/c/b?comp=metadata', 'FF_URL_INVALID'],
];

for (const [name, text, code] of REFUSED) {
  test(`refuses ${name}`, () => {
    const error = refusal(text);
    assert.is(error.code, code);
    assert.is(error.exitCode, 2);
    assert.match(error.message, /^blob URL 1 /);
    assert.is(redact(error.message), error.message);
  });
}

test('the query is never re-encoded', () => {
  const printable = fc.stringMatching(/^[\x21\x22\x24-\x7e]{0,80}$/);
  fc.assert(
    fc.property(printable, (query) => {
      const text = `https://h/c/b?${query}`;
      fc.pre(!/[?&](comp|snapshot|versionid)(=|&|$)/.test(`?${decodeLoosely(query)}`));
      assert.is(parseBlobUrl(text).query, query);
    }),
  );
});

test('no message and no display shows a secret, however odd the URL', () => {
  const secret = 'S3cr3tSignature';
  const odd = fc
    .tuple(
      fc.constantFrom('https://', 'http://', 'ftp://', '//', 'https:/', 'https://user:pass@', ''),
      fc.constantFrom('h', '127.0.0.1', '[::1', 'h:99999', 'acct.blob.core.windows.net', ''),
      fc.constantFrom('', '/', '/c', '/c/b', '/c//b', '/c/b#', '\\c\\b', '/c/ü'),
      fc.constantFrom('?', '&', '%3F', '??', '#'),
      fc.constantFrom('sig=', 'sv=1&sig=', 'SIG=', 'sig%3D', 'comp=x&sig='),
    )
    .map((parts) => `${parts.join('')}${secret}`);
  fc.assert(
    fc.property(odd, (text) => {
      assert.not.match(withoutQuery(text), secret);
      try {
        parseBlobUrl(text);
      } catch (error) {
        assert.instance(error, FlashfreezeError);
        assert.not.match(String(error), secret);
      }
    }),
    { numRuns: 2_000 },
  );
});

function decodeLoosely(text: string): string {
  return [...new URLSearchParams(text).keys()].join('&');
}

test.run();
