import fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  afterFailure,
  type FailedTry,
  MAX_UNCERTAIN_TRIES,
  mayHaveTakenEffect,
  parseRetryAfterMs,
  patienceEndNs,
  remarkablePatienceMs,
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
  ['429 without a code', answered(429), true, false],
  ['408', answered(408, 'RequestTimeout'), true, false],
  ['502', answered(502), true, true],
  ['504', answered(504), true, true],
  ['503 without a code', answered(503), true, false],
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

/** The delay before the next try, or why there is none. */
function next(end: FailedTry, tries: number, remainingMs = 60_000, maxTries?: number) {
  const decided = afterFailure(end, tries, remainingMs, maxTries);
  return decided.kind === 'again' ? decided.delayMs : decided.kind;
}

for (const [name, end, again, effect] of TABLE) {
  test(`${name}: ${again ? 'again at once' : 'final'}, ${effect ? 'may have' : 'has not'} taken effect`, () => {
    assert.is(next(end, 1, 1_000), again ? 0 : 'final');
    assert.is(mayHaveTakenEffect(end), effect);
  });
}

test('the delays grow; tries that may have taken effect end, refused ones go on', () => {
  const tries = Array.from({ length: MAX_UNCERTAIN_TRIES }, (_, index) => index + 1);
  const delays = [0, 50, 100, 200, 400, 800, 800];
  assert.equal(
    tries.map((count) => next(answered(500), count)),
    [...delays, 'final'],
  );
  assert.equal(
    tries.map((count) => next(answered(503), count)),
    [...delays, 800],
  );
  assert.is(next(answered(503), 3, 60_000, 3), 'final');
});

test('the delay of the server counts if it is longer, and if it fits', () => {
  assert.is(next(answered(503, 'ServerBusy', 2_000), 1, 10_000), 2_000);
  assert.is(next(answered(429, undefined, 2_000), 1, 10_000), 2_000);
  assert.is(next(answered(503, 'ServerBusy', 0), 3, 10_000), 100);
  assert.equal(afterFailure(answered(503, 'ServerBusy', 10_000), 1, 9_000), {
    kind: 'no-time',
    pauseMs: 10_000,
    remainingMs: 9_000,
  });
});

test('no try begins after the deadline', () => {
  const end = fc.constantFrom(answered(500), answered(503, 'ServerBusy', 3_000), broken('reset'));
  const remaining = fc.double({ min: -1e5, max: 1e5, noNaN: true });
  fc.assert(
    fc.property(end, fc.integer({ min: 1, max: 20 }), remaining, (failed, tries, remainingMs) => {
      const decided = afterFailure(failed, tries, remainingMs);
      assert.ok(decided.kind !== 'again' || decided.delayMs < remainingMs);
    }),
  );
});

test('a request ends with its patience after the usual second, or with the window', () => {
  const table: [firedMs: number, patienceMs: number, windowMs: number, endMs: number][] = [
    [0, 10_000, 60_000, 11_000],
    [500, 10_000, 60_000, 11_500],
    [0, 10_000, 2_900, 2_900],
    [0, 200, 60_000, 1_200],
  ];
  for (const [firedMs, patienceMs, windowMs, endMs] of table) {
    const [firedNs, windowNs, endNs] = [firedMs, windowMs, endMs].map((ms) => BigInt(ms * 1e6));
    assert.is(patienceEndNs(firedNs ?? 0n, patienceMs, windowNs ?? 0n), endNs);
  }
});

test('patience is remarkable if a request used more than a second of it', () => {
  const table: [endedMs: number, usedMs: number | undefined][] = [
    [20, undefined],
    [1_900, undefined],
    [2_100, 1_100],
    [11_000, 10_000],
  ];
  for (const [endedMs, usedMs] of table) {
    assert.is(remarkablePatienceMs(5n, 5n + BigInt(endedMs * 1e6)), usedMs);
  }
});

test('Retry-After is read as seconds, or as a date by the clock of the service; anything else is ignored', () => {
  const date = 'Wed, 21 Oct 2026 07:28:00 GMT';
  assert.is(parseRetryAfterMs('3', undefined), 3_000);
  assert.is(parseRetryAfterMs('Wed, 21 Oct 2026 07:38:00 GMT', date), 600_000);
  assert.is(parseRetryAfterMs('Wed, 21 Oct 2026 07:18:00 GMT', date), 0);
  assert.is(parseRetryAfterMs(date, undefined), undefined);
  for (const text of [undefined, '', '-1', '1.5', '2026-10-21', 'Wed, never GMT', '99999999']) {
    assert.is(parseRetryAfterMs(text, date), undefined);
  }
});

test.run();
