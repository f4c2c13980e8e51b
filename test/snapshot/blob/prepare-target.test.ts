import fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  keepEncryptionSettings,
  type PreparedTarget,
  prepareTarget,
} from '../../../src/snapshot/blob/prepare-target.ts';
import type { BlobTarget } from '../../../src/snapshot/snapshot-types.ts';
import { suite } from '../../suite.ts';
import { blobAt } from './fixtures/blobs.ts';

const test = suite('prepared requests');

function prepare(query: string, rest: Partial<BlobTarget> = {}): PreparedTarget {
  const url = `https://h/c/b${query === '' ? '' : `?${query}`}`;
  return prepareTarget({ blob: blobAt(url), metadata: [], clientRequestId: 't/0', ...rest }, 0, 1);
}

test('operations are appended to the SAS, which stays unchanged', () => {
  const { head, firstByte, probe, snapshot } = prepare('sv=1&sig=a%2Bb%3D');
  assert.equal(
    [head, firstByte, probe, snapshot].map(({ method, path }) => `${method} ${path}`),
    [
      'GET /c/b?sv=1&sig=a%2Bb%3D',
      'GET /c/b?sv=1&sig=a%2Bb%3D',
      'PUT /c/b?sv=1&sig=a%2Bb%3D&comp=lease',
      'PUT /c/b?sv=1&sig=a%2Bb%3D&comp=snapshot',
    ],
  );
});

test('a URL without a query gets one', () => {
  const { head, snapshot } = prepare('');
  assert.is(head.path, '/c/b');
  assert.is(snapshot.path, '/c/b?comp=snapshot');
});

const PERMISSIONS: [query: string, read: boolean, snapshot: boolean, lease: boolean][] = [
  ['sp=rw', true, true, true],
  ['sp=w', false, true, true],
  ['sp=c', false, true, false],
  ['sp=rc', true, true, false],
  ['sp=r', true, false, false],
  ['sp=racwdl', true, true, true],
  ['si=policy', true, true, true],
];

for (const [query, read, snapshot, lease] of PERMISSIONS) {
  test(`permissions of a SAS with ${query}`, () => {
    assert.equal(prepare(`sv=1&${query}&sig=x`).permissions, { read, snapshot, lease });
  });
}

test('encryption settings are added to given metadata, never twice, and not to inherited', () => {
  const name = 'x-ms-meta-DiskEncryptionSettings';
  const headersOf = (...metadata: [string, string][]): readonly string[] =>
    keepEncryptionSettings(prepare('sig=x', { metadata }).snapshot, '{}').headers.filter((text) =>
      text.startsWith('x-ms-meta'),
    );
  assert.equal(headersOf(), []);
  assert.equal(headersOf(['k', 'v']), ['x-ms-meta-k', name]);
  assert.equal(headersOf(['diskencryptionsettings', 'v']), ['x-ms-meta-diskencryptionsettings']);
  const { snapshot } = prepare('sig=x', { metadata: [['k', 'v']] });
  assert.is(keepEncryptionSettings(snapshot, undefined), snapshot);
});

test('the signature is a secret, raw and decoded', () => {
  fc.assert(
    fc.property(fc.base64String({ minLength: 8, maxLength: 44 }), (signature) => {
      const raw = encodeURIComponent(signature);
      const { secrets } = prepare(`sv=1&sig=${raw}&sp=rw`);
      assert.ok(secrets.includes(raw) && secrets.includes(signature));
    }),
  );
});

test.run();
