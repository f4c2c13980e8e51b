import * as assert from 'uvu/assert';
import { withLimits } from '../../../src/snapshot/blob/patience.ts';
import { failureWithoutAnswer } from '../../../src/snapshot/http/failures.ts';
import type { FailedTry } from '../../../src/snapshot/http/retry.ts';
import { suite } from '../../suite.ts';

const test = suite('patience');
const LIMITS = '(patience and timeout limit it: see --patience and --timeout)';
const late = failureWithoutAnswer('timeout', 'https://a.example');

test('a request that ran out of time names what the try before failed with', () => {
  const broken: FailedTry = { kind: 'broken', failure: 'tls', sent: false };
  const busy: FailedTry = {
    ...{ kind: 'answered', httpStatus: 503, serviceCode: 'ServerBusy', retryAfterMs: undefined },
  };
  const start = 'https://a.example: no complete answer within the time limit';
  for (const [failed, expected] of [
    [undefined, `${start} ${LIMITS}`],
    [broken, `${start}; the try before failed: TLS failed ${LIMITS}`],
    [busy, `${start}; the try before failed: HTTP 503 ${LIMITS}`],
  ] as const) {
    assert.is(withLimits(late, undefined, failed).message, expected);
  }
});

test('another failure stays as it is', () => {
  const refused = failureWithoutAnswer('refused', 'https://a.example');
  const broken: FailedTry = { kind: 'broken', failure: 'reset', sent: true };
  assert.is(withLimits(refused, undefined, broken).message, refused.message);
});

test.run();
