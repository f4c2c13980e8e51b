import * as assert from 'uvu/assert';
import { containerUrlsOf } from '../../src/commands/container-options.ts';
import { notifyOf, startTimeOf, timeoutMsOf } from '../../src/commands/run-options.ts';
import {
  givenBlobs,
  laneCountOf,
  manifestUrlOf,
  metadataOf,
  newMetadataOf,
  type RawSnapshotOptions,
  requestedBlobs,
} from '../../src/commands/snapshot-options.ts';
import { FlashfreezeError } from '../../src/errors.ts';
import { suite } from '../suite.ts';

const test = suite('snapshot options');
const NOW = new Date('2026-11-22T02:00:00Z');
const OTHER_SAS = 'https://x.example/c/b?sig=verysecretother';
const SECRET = 'sv=2024-01-01&sig=verysecret%3D';

function options(changes: Partial<RawSnapshotOptions>): RawSnapshotOptions {
  return { settle: true, freeze: true, ...changes };
}

function refusal(act: () => unknown): FlashfreezeError {
  try {
    act();
  } catch (error) {
    if (error instanceof FlashfreezeError) {
      return error;
    }
    throw error;
  }
  throw new Error('was not refused');
}

const PASTED: readonly [string, (url: string) => string][] = [
  ['a trailing comma', (url) => `${url},`],
  ['a trailing semicolon and blank', (url) => `${url}; `],
  ['double quotes', (url) => `"${url}"`],
  ['single quotes and a comma', (url) => `'${url}',`],
  ['ampersands as in XML', (url) => url.replaceAll('&', '&amp;')],
  ['a carriage return', (url) => `${url}\r`],
  ['ampersands as HTML writes them by number', (url) => url.replaceAll('&', '&#38;')],
  ['ampersands as in JSON of PowerShell', (url) => url.replaceAll('&', '\\u0026')],
  ['typographic quotes', (url) => `“${url}”`],
  ['backticks', (url) => `\`${url}\``],
];

for (const [name, paste] of PASTED) {
  test(`${name} around a pasted URL is taken off`, () => {
    const url = `https://a.example/c/b?${SECRET}`;
    const other = `https://a.example/c/d?${SECRET}`;
    const blobs = requestedBlobs(
      options({ blob: [paste(url)], disk: [paste(`/dev/sdc = ${other}`)] }),
    );
    assert.equal(
      blobs.map((it) => [it.url, it.device]),
      [
        [url, undefined],
        [other, '/dev/sdc'],
      ],
    );
  });
}

test('angle brackets around a pasted URL are taken off', () => {
  const url = `https://a.example/c/b?${SECRET}`;
  assert.is(requestedBlobs(options({ blob: [`<${url}>`] }))[0]?.url, url);
});

test('what is pasted around the URL of a container is taken off', () => {
  const url = `https://a.example/c?${SECRET}`;
  assert.equal(containerUrlsOf({ container: [`"${url.replaceAll('&', '&amp;')}",`] }), [url]);
});

const MISPASTED: readonly [name: string, paste: (url: string) => string, words: RegExp][] = [
  ['two URLs with a comma', (url) => `${url},${url}`, /second URL/],
  ['two URLs with a blank', (url) => `${url} ${url}`, /second URL/],
  ['a quote at the end', (url) => `${url}"`, /a quote/],
  ['a single quote at the end', (url) => `${url}'`, /a quote/],
  ['a backslash before each ampersand', (url) => url.replaceAll('&', '\\&'), /a backslash/],
  ['encoded ampersands', (url) => url.replaceAll('&', '%26'), /has %26/],
];

for (const [name, paste, words] of MISPASTED) {
  test(`${name} in a pasted URL is named, without the secret`, () => {
    const blob = paste(`https://a.example/c/b?${SECRET}`);
    const container = paste(`https://a.example/c?${SECRET}`);
    const given = { blob: ['https://a.example/c/a', blob] };
    for (const act of [
      () => givenBlobs(given),
      () => containerUrlsOf({ container: [container] }),
    ]) {
      const error = refusal(act);
      assert.is(error.code, 'FF_URL_INVALID');
      assert.match(error.message, words);
      assert.match(error.message, /^(blob URL 2 of 2|container URL 1 of 1) /);
      assert.not.match(error.message, 'verysecret');
    }
  });
}

for (const between of [',', ';', ' ', '\t', '","']) {
  test(`${JSON.stringify(between)} between device and URL is refused as such`, () => {
    const disk = `/dev/sdc${between}https://a.example/c/b?${SECRET}`;
    const error = refusal(() => givenBlobs({ disk: [disk] }));
    assert.is(error.code, 'FF_USAGE');
    assert.match(error.message, 'an equals sign between device and URL');
    assert.not.match(error.message, 'verysecret');
  });
}

test('takes blobs and disks in the order given', () => {
  const url = `https://a.example/c/b?${SECRET}`;
  const other = `https://a.example/c/d?${SECRET}`;
  const blobs = requestedBlobs(options({ blob: [url], disk: [`/dev/sdc=${other}`] }));
  assert.equal(
    blobs.map(({ url: it, name, device }) => [it, name, device]),
    [
      [url, 'https://a.example/c/b', undefined],
      [other, 'https://a.example/c/d', '/dev/sdc'],
    ],
  );
});

const refused: readonly [string, () => unknown][] = [
  ['no blob at all', () => requestedBlobs(options({}))],
  [
    'a blob twice',
    () => requestedBlobs(options({ blob: [OTHER_SAS, `https://x.example/c/b?${SECRET}`] })),
  ],
  ['a disk without URL', () => requestedBlobs(options({ disk: ['/dev/sdc'] }))],
  ['a disk outside /dev', () => requestedBlobs(options({ disk: [`sdc=https://x/?${SECRET}`] }))],
  ['a blob list that cannot be read', () => requestedBlobs(options({ blobsFrom: '/nowhere' }))],
  ['a time-out of words', () => timeoutMsOf('soon')],
  ['a time-out of zero', () => timeoutMsOf('0')],
  ['a time-out of a day', () => timeoutMsOf('86400')],
  ['a start time without offset', () => startTimeOf('2026-11-22T02:00:00')],
  ['a start time on no calendar', () => startTimeOf('2026-13-45T02:00:00Z')],
  ['the 30th of February', () => startTimeOf('2027-02-30T02:00:00Z', NOW)],
  ['the 25th hour', () => startTimeOf('2027-02-03T24:00:00Z', NOW)],
  ['a start time that is over', () => startTimeOf('2026-11-22T01:58:59Z', NOW)],
  ['half a lane', () => laneCountOf('0.5')],
  ['metadata without value', () => metadataOf(['Key'])],
  ['metadata without name', () => metadataOf(['=value'])],
  ['a name of metadata that the service refuses', () => metadataOf(['back-up=1'])],
  ['one that begins with a digit', () => metadataOf(['1st=1'])],
  ['metadata that no HTTP header can hold', () => metadataOf(['Key=täglich'])],
  ['a line break in metadata', () => metadataOf(['Key=a\r\nx-ms-other: b'])],
  ['a name that flashfreeze keeps for itself', () => newMetadataOf(['Flashfreeze_Run=mine'])],
  ['a container without a SAS', () => manifestUrlOf('https://a.blob.core.windows.net/vhds')],
  ['no URL of a container', () => manifestUrlOf('vhds?sig=s')],
  ['more metadata than the service takes', () => metadataOf([`Key=${'x'.repeat(8_190)}`])],
];

for (const [name, act] of refused) {
  test(`refuses ${name} with exit code 2 and no secret`, () => {
    const error = refusal(act);
    assert.is(error.code, 'FF_USAGE');
    assert.is(error.exitCode, 2);
    assert.not.match(error.message, 'verysecret');
  });
}

test('refuses a URL that is not that of a blob by its place, with exit code 2 and no secret', () => {
  const url = `https://a.example/c/b?${SECRET}`;
  const error = refusal(() => requestedBlobs(options({ blob: [url, `x?${SECRET}`] })));
  assert.is(error.code, 'FF_URL_INVALID');
  assert.is(error.exitCode, 2);
  assert.match(error.message, /^blob URL 2 of 2 /);
  assert.not.match(error.message, 'verysecret');
});

test('the URL for the manifest is taken as it was pasted, but not over plain http', () => {
  const url = 'https://a.blob.core.windows.net/vhds?sr=c&sp=c&sig=s';
  assert.is(manifestUrlOf(undefined), undefined);
  assert.is(manifestUrlOf(` "${url.replaceAll('&', '&amp;')}",`), url);
  assert.throws(() => manifestUrlOf(url.replace('https', 'http')), /plain http/);
  assert.throws(() => manifestUrlOf(`${url}https://b/c?sig=t`), /second URL/);
});

test('stored snapshots can be selected by the names that flashfreeze keeps for itself', () => {
  assert.equal(metadataOf(['flashfreeze_run=r']), [['flashfreeze_run', 'r']]);
});

test('reads seconds as milliseconds, times with any offset, and metadata with = in it', () => {
  assert.is(timeoutMsOf('1.5'), 1_500);
  assert.is(
    startTimeOf('2026-11-22T03:00:00+01:00', NOW)?.toISOString(),
    '2026-11-22T02:00:00.000Z',
  );
  assert.is(startTimeOf('2028-02-29t23:00:00.5z', NOW)?.getUTCDate(), 29);
  // A little late: it begins at once.
  assert.ok(startTimeOf('2026-11-22T01:59:30Z', NOW));
  assert.equal(metadataOf(['a=b=c', '_b2=']), [
    ['a', 'b=c'],
    ['_b2', ''],
  ]);
});

test('a name of metadata is given once, whatever its case', () => {
  const { code, message } = refusal(() => metadataOf(['Policy=daily', 'policy=weekly']));
  assert.is(code, 'FF_USAGE');
  assert.match(message, '--metadata policy: given twice');
  assert.equal(metadataOf(['Policy=daily', 'other=weekly']).length, 2);
});

test('a command to notify that cannot be used is refused without its arguments, which may be secret', () => {
  for (const notify of ['mail --password hush1234', "/x 'hush1234", 'hush1234']) {
    const { code, message } = refusal(() => notifyOf(options({ notify })));
    assert.is(code, 'FF_USAGE');
    assert.match(message, '--notify: expected the absolute path of a program');
    assert.not.match(message, 'hush1234');
  }
});

test.run();
