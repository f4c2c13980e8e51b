import * as assert from 'uvu/assert';
import { preflightError } from '../../src/backup/preflight.ts';
import { NO_HEAD } from '../../src/snapshot/matching/blob-head.ts';
import type { Preflight, RequestFailure } from '../../src/snapshot/snapshot-types.ts';
import { suite } from '../suite.ts';

const test = suite('preflight error');
const BLOBS = ['https://a.example/vhds/one.vhd', 'https://a.example/vhds/two.vhd'];
const good: Preflight = { ok: true, target: 0, head: NO_HEAD, sizeBytes: 512 };

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

test('there is no error if every blob could be read', () => {
  assert.is(preflightError([good], BLOBS), undefined);
});

const cases: readonly [string, Partial<RequestFailure>, string][] = [
  ['an expired SAS', { httpStatus: 403 }, 'FF_BLOB_REFUSED'],
  ['a missing blob', { httpStatus: 404 }, 'FF_BLOB_NOT_FOUND'],
  ['a service in trouble', { httpStatus: 503 }, 'FF_BLOB_UNREACHABLE'],
  ['an unknown certificate', { kind: 'tls' }, 'FF_BLOB_UNREACHABLE'],
  ['a refused connection', { kind: 'connect' }, 'FF_BLOB_UNREACHABLE'],
];

for (const [name, failure, code] of cases) {
  test(`${name} is ${code}, names the blob and repeats what was said`, () => {
    const error = preflightError([good, bad({ ...failure, message: 'what was said' })], BLOBS);
    assert.is(error?.code, code);
    assert.is(error?.exitCode, 2);
    assert.match(error?.message ?? '', 'two.vhd: what was said');
    assert.match(error?.message ?? '', '1 of 2 blobs');
    assert.match(error?.message ?? '', 'nothing was frozen');
  });
}

test.run();
