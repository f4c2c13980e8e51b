import * as assert from 'uvu/assert';
import { preflightError } from '../../src/backup/preflight.ts';
import type { Preflight, RequestFailure } from '../../src/snapshot/model.ts';
import { suite } from '../suite.ts';

const test = suite('preflight error');
const BLOBS = ['https://a.example/vhds/one.vhd', 'https://a.example/vhds/two.vhd'];
const good: Preflight = { ok: true, target: 0, head: new Uint8Array(), sizeBytes: 512 };

function bad(failure: Partial<RequestFailure>): Preflight {
  return {
    ok: false,
    target: 1,
    failure: {
      kind: 'http',
      message: 'HTTP answer',
      httpStatus: undefined,
      serviceCode: undefined,
      requestId: undefined,
      ...failure,
    },
  };
}

test('there is none where every blob could be read', () => {
  assert.is(preflightError([good], BLOBS), undefined);
});

const cases: readonly [string, Partial<RequestFailure>, string, string][] = [
  ['an expired SAS', { httpStatus: 403 }, 'FF_BLOB_REFUSED', 'has not expired'],
  ['a missing blob', { httpStatus: 404 }, 'FF_BLOB_NOT_FOUND', 'container and blob name'],
  ['an unknown certificate', { kind: 'tls' }, 'FF_BLOB_UNREACHABLE', 'NODE_EXTRA_CA_CERTS'],
  ['a refused connection', { kind: 'connect' }, 'FF_BLOB_UNREACHABLE', 'network'],
];

for (const [name, failure, code, remedy] of cases) {
  test(`${name} is ${code}, names the blob and says what to do`, () => {
    const error = preflightError([good, bad(failure)], BLOBS);
    assert.is(error?.code, code);
    assert.is(error?.exitCode, 2);
    assert.match(error?.message ?? '', 'two.vhd');
    assert.match(error?.message ?? '', remedy);
    assert.match(error?.message ?? '', 'nothing was frozen');
  });
}

test.run();
