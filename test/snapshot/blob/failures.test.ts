import * as assert from 'uvu/assert';
import { failureOfAnswer, preflightErrorCode } from '../../../src/snapshot/blob/failures.ts';
import {
  classifyError,
  errorCode,
  failureWithoutAnswer,
} from '../../../src/snapshot/http/failures.ts';
import { suite } from '../../suite.ts';

const test = suite('failures of requests');

function error(code: string): Error {
  return Object.assign(new Error('text that nobody looks at'), { code });
}

const CODES: [code: string, sent: boolean, kind: string][] = [
  ['ECONNREFUSED', false, 'refused'],
  ['ENOTFOUND', false, 'connect'],
  ['EAI_AGAIN', false, 'connect'],
  ['EHOSTUNREACH', false, 'connect'],
  ['UND_ERR_CONNECT_TIMEOUT', false, 'connect'],
  ['ETIMEDOUT', false, 'connect'],
  ['ETIMEDOUT', true, 'reset'],
  ['ECONNRESET', true, 'reset'],
  ['EPIPE', true, 'reset'],
  ['UND_ERR_SOCKET', true, 'reset'],
  ['SELF_SIGNED_CERT_IN_CHAIN', false, 'tls'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', false, 'tls'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', false, 'tls'],
  ['CERT_HAS_EXPIRED', false, 'tls'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', false, 'tls'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', false, 'tls'],
  ['EPROTO', false, 'tls'],
  ['HPE_INVALID_CONSTANT', true, 'protocol'],
  ['UND_ERR_HEADERS_OVERFLOW', true, 'protocol'],
];

for (const [code, sent, kind] of CODES) {
  test(`${code} ${sent ? 'after' : 'before'} the request left means ${kind}`, () => {
    assert.is(classifyError(error(code), sent), kind);
  });
}

test('a code that is not a plain word is not printed', () => {
  assert.is(errorCode(error('E https://h/?sig=secret')), 'unknown');
  assert.is(errorCode('text'), 'unknown');
  assert.is(failureWithoutAnswer('reset', 'https://h', 'unknown').message.includes('('), false);
});

test('a failed TLS handshake gives a remedy', () => {
  const { message } = failureWithoutAnswer('tls', 'https://h', 'SELF_SIGNED_CERT_IN_CHAIN');
  assert.match(message, 'https://h: TLS failed (SELF_SIGNED_CERT_IN_CHAIN)');
  assert.match(message, 'NODE_EXTRA_CA_CERTS');
});

const PREFLIGHT: [status: number, serviceCode: string | undefined, code: string][] = [
  [403, 'AuthenticationFailed', 'FF_BLOB_REFUSED'],
  [404, 'BlobNotFound', 'FF_BLOB_NOT_FOUND'],
  [503, 'ServerBusy', 'FF_BLOB_UNREACHABLE'],
  [400, undefined, 'FF_BLOB_REFUSED'],
];

for (const [status, serviceCode, code] of PREFLIGHT) {
  test(`a preflight that ends in ${status} ends the run with ${code}`, () => {
    const failure = failureOfAnswer('https://h', status, serviceCode, undefined);
    assert.is(preflightErrorCode(failure), code);
  });
}

test('a preflight without an answer ends the run with FF_BLOB_UNREACHABLE', () => {
  const failure = failureWithoutAnswer('refused', 'https://h', 'ECONNREFUSED');
  assert.is(preflightErrorCode(failure), 'FF_BLOB_UNREACHABLE');
});

test.run();
