import fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  delayBeforeNextTryMs,
  type FailedTry,
  MAX_TRIES,
  mayHaveTakenEffect,
  parseRetryAfterMs,
} from '../../../src/snapshot/http/retry.ts';
import { suite } from '../../suite.ts';

const test = suite('retry rule');

function answered(httpStatus: number, serviceCode?: string, retryAfterMs?: number): FailedTry {
  return { kind: 'answered', httpStatus, serviceCode, retryAfterMs };
}

function broken(
  failure: Extract<FailedTry, { kind: 'broken' }>['failure'],
  sent = true,
): FailedTry {
  return { kind: 'broken', failure, sent };
}

const TABLE: [name: string, end: FailedTry, again: boolean, mayHaveTakenEffect: boolean][] = [
  ['500 InternalError', answered(500, 'InternalError'), true, true],
  ['500 OperationTimedOut', answered(500, 'OperationTimedOut'), true, true],
  ['500 without a code', answered(500), true, true],
  ['503 ServerBusy', answered(503, 'ServerBusy'), true, false],
  ['503 OperationTimedOut', answered(503, 'OperationTimedOut'), true, true],
  ['ServerBusy under another status', answered(429, 'ServerBusy'), true, false],
  ['501', answered(501), false, true],
  ['400', answered(400, 'InvalidHeaderValue'), false, false],
  ['403', answered(403, 'AuthenticationFailed'), false, false],
  ['404', answered(404, 'BlobNotFound'), false, false],
  ['409', answered(409, 'SnapshotOperationRateExceeded'), false, false],
  ['412', answered(412, 'LeaseIdMissing'), false, false],
  ['302', answered(302), false, false],
  ['200', answered(200), false, true],
  ['a reset after the request left', broken('reset'), true, true],
  ['a reset before the request left', broken('reset', false), true, false],
  ['a refused connection', broken('refused', false), true, false],
  ['a name that is not found', broken('connect', false), true, false],
  ['a certificate that is not trusted', broken('tls', false), false, false],
  ['garbage', broken('protocol'), false, true],
];

for (const [name, end, again, effect] of TABLE) {
  test(`${name}: ${again ? 'again at once' : 'final'}, ${effect ? 'may have' : 'has not'} taken effect`, () => {
    assert.is(delayBeforeNextTryMs(end, 1, 1_000), again ? 0 : undefined);
    assert.is(mayHaveTakenEffect(end), effect);
  });
}

test('the delays grow, and the tries end', () => {
  const delays = Array.from({ length: MAX_TRIES }, (_, tries) =>
    delayBeforeNextTryMs(answered(500), tries + 1, 60_000),
  );
  assert.equal(delays, [0, 50, 100, 200, 400, 800, 800, undefined]);
});

test('the delay of the server counts if it is longer, and if it fits', () => {
  assert.is(delayBeforeNextTryMs(answered(503, 'ServerBusy', 2_000), 1, 10_000), 2_000);
  assert.is(delayBeforeNextTryMs(answered(503, 'ServerBusy', 0), 3, 10_000), 100);
  assert.is(delayBeforeNextTryMs(answered(503, 'ServerBusy', 10_000), 1, 10_000), undefined);
});

test('no try begins after the deadline', () => {
  const end = fc.constantFrom(answered(500), answered(503, 'ServerBusy', 3_000), broken('reset'));
  const remaining = fc.double({ min: -1e5, max: 1e5, noNaN: true });
  fc.assert(
    fc.property(end, fc.integer({ min: 1, max: 20 }), remaining, (failed, tries, remainingMs) => {
      const delayMs = delayBeforeNextTryMs(failed, tries, remainingMs);
      assert.ok(delayMs === undefined || (delayMs < remainingMs && tries < MAX_TRIES));
    }),
  );
});

test('Retry-After is read as seconds, anything else is ignored', () => {
  assert.is(parseRetryAfterMs('3'), 3_000);
  for (const text of [undefined, '', '-1', '1.5', 'Wed, 21 Oct 2026 07:28:00 GMT', '99999999']) {
    assert.is(parseRetryAfterMs(text), undefined);
  }
});

test.run();
