import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type PreparedTarget, prepareTarget } from '../../../src/snapshot/blob/prepare-target.ts';
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

const PERMISSIONS: [query: string, permissions: string][] = [
  ['sp=rw', 'read snapshot lease'],
  ['sp=w', 'snapshot lease'],
  ['sp=c', 'snapshot'],
  ['sp=rc', 'read snapshot'],
  ['sp=r', 'read'],
  ['sp=racwdl', 'read snapshot lease list'],
  ['sp=racwdl&sr=c', 'read snapshot lease list'],
  ['sp=racwdl&sr=b', 'read snapshot lease'],
  ['si=policy', 'read snapshot lease'],
  ['si=policy&sr=c', 'read snapshot lease list'],
];

for (const [query, expected] of PERMISSIONS) {
  test(`permissions of a SAS with ${query}`, () => {
    const granted = Object.entries(prepare(`sv=1&${query}&sig=x`).permissions);
    assert.is(
      granted.flatMap(([name, isGranted]) => (isGranted ? [name] : [])).join(' '),
      expected,
    );
  });
}

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
