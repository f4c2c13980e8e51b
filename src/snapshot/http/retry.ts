import type { BrokenKind } from './failures.ts';

/** How one try of a request ended without what was asked for. */
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
      /** As in `RequestFailure`. */
      readonly failure: BrokenKind;
      /** The request had left. */
      readonly sent: boolean;
    };

/** Tries of the snapshot request. With the delays below they span about 3 s. */
export const MAX_TRIES = 8;

/**
 * Delay before the second, third, … try; the last one repeats. The first is none: a file system is
 * frozen meanwhile, and most of what can be repaired (a connection closed by the peer) is repaired
 * by asking again. No jitter: one machine's few dozen disks are no herd.
 */
const DELAYS_MS = [0, 50, 100, 200, 400, 800] as const;

const TRANSIENT_CODES = new Set(['InternalError', 'OperationTimedOut', 'ServerBusy']);

/**
 * How long to wait before the next try, or undefined where there is none: because the answer is
 * final (403, 404, 409, 412, …), the tries are used up, or the time left would be over before.
 *
 * @param tries tries made so far, this one included
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
 * Whether a snapshot may have been made all the same. A request that left and got no readable
 * answer may have been carried out; so may one that was answered by "internal error" or "timed out",
 * which say nothing about how far it came; only "server busy" is a refusal. And so has one that was
 * answered with a success that names no snapshot.
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

/** `Retry-After` in milliseconds; only the number of seconds is understood, which is what storage sends. */
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
