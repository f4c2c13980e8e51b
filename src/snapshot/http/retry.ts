import type { BrokenKind } from './failures.ts';

/** How one try of a request failed. */
export type FailedTry =
  | {
      readonly kind: 'answered';
      readonly httpStatus: number;
      readonly serviceCode: string | undefined;
      /** `Retry-After` in milliseconds. */
      readonly retryAfterMs: number | undefined;
    }
  | {
      readonly kind: 'broken';
      /** One of the kinds of `RequestFailure`. */
      readonly failure: BrokenKind;
      /** The request had left. */
      readonly sent: boolean;
    };

/** Tries of the snapshot request. With the delays below they span about 3 s. */
export const MAX_TRIES = 8;

/**
 * Delay before the second, third, … try; the last one repeats. The first is 0: a file system is frozen
 * meanwhile, and an immediate retry repairs most failures that can be repaired (a connection closed by the
 * peer). No jitter: the few dozen disks of one machine do not overload the service.
 */
const DELAYS_MS = [0, 50, 100, 200, 400, 800] as const;

const TRANSIENT_CODES = new Set(['InternalError', 'OperationTimedOut', 'ServerBusy']);

/**
 * How long to wait before the next try; undefined if there is none, because the answer is final (403, 404,
 * 409, 412, …), the tries are used up, or the remaining time is shorter than the delay.
 *
 * @param tries number of tries so far, including this one
 * @param remainingMs until the deadline
 */
export function delayBeforeNextTryMs(
  end: FailedTry,
  tries: number,
  remainingMs: number,
  maxTries = MAX_TRIES,
): number | undefined {
  if (tries >= maxTries || !mayPass(end)) {
    return undefined;
  }
  const ownMs = DELAYS_MS[Math.min(tries, DELAYS_MS.length) - 1] ?? 0;
  const delayMs = end.kind === 'answered' ? Math.max(end.retryAfterMs ?? 0, ownMs) : ownMs;
  return delayMs < remainingMs ? delayMs : undefined;
}

/**
 * Whether the failed try may have created a snapshot. The service may have carried out a request that left
 * and got no readable answer, and also one with the answer "internal error" or "timed out", because these do
 * not say how far it got; only "server busy" is a refusal. A success that names no snapshot counts too.
 */
export function mayHaveTakenEffect(end: FailedTry): boolean {
  if (end.kind === 'broken') {
    return end.sent;
  }
  if (end.httpStatus < 300) {
    return true;
  }
  return (
    end.httpStatus >= 500 && (end.httpStatus !== 503 || end.serviceCode === 'OperationTimedOut')
  );
}

/** `Retry-After` in milliseconds; only a number of seconds is parsed, because storage sends only that form. */
export function parseRetryAfterMs(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) * 1_000 : undefined;
}

function mayPass(end: FailedTry): boolean {
  if (end.kind === 'broken') {
    return end.failure !== 'tls' && end.failure !== 'protocol';
  }
  return (
    end.httpStatus === 500 ||
    end.httpStatus === 503 ||
    (end.serviceCode !== undefined && TRANSIENT_CODES.has(end.serviceCode))
  );
}
