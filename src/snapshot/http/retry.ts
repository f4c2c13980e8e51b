import { earlierOf, nanoseconds } from '../../system/stamps.ts';
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

/**
 * Tries of a request that may have taken effect: each may leave one more snapshot. A request that was refused is tried
 * for as long as there is time.
 */
export const MAX_UNCERTAIN_TRIES = 8;

/**
 * Delay before the second, third, … try; the last one repeats. The first is 0: a file system is frozen
 * meanwhile, and an immediate retry repairs most failures that can be repaired (a connection closed by the
 * peer). No jitter: the few dozen disks of one machine do not overload the service.
 */
const DELAYS_MS = [0, 50, 100, 200, 400, 800] as const;

/**
 * An answer within this time is usual: the disk's patience counts from then on. Snapshots of page blobs take some
 * 20 to 500 ms.
 */
export const USUAL_MS = 1_000;
/** A request that has had no answer for this long is sent a second time, on another connection. */
export const SILENCE_MS = 3_000;
/** Patience used up to this much is not worth a warning. */
const UNREMARKABLE_MS = 1_000;

const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
const TRANSIENT_CODES = new Set(['InternalError', 'OperationTimedOut', 'ServerBusy']);

/** What follows a failed try. */
export type AfterFailure =
  | { readonly kind: 'again'; readonly delayMs: number }
  /** The answer is final (403, 404, 409, 412, …), or the tries are used up. */
  | { readonly kind: 'final' }
  /** The pause before the next try would not end in time. */
  | { readonly kind: 'no-time'; readonly pauseMs: number; readonly remainingMs: number };

/**
 * @param tries number of tries so far, including this one
 * @param remainingMs until the last moment at which a try may begin
 */
export function afterFailure(
  end: FailedTry,
  tries: number,
  remainingMs: number,
  maxTries = Number.POSITIVE_INFINITY,
): AfterFailure {
  const limit = mayHaveTakenEffect(end) ? Math.min(maxTries, MAX_UNCERTAIN_TRIES) : maxTries;
  if (tries >= limit || !mayPass(end)) {
    return { kind: 'final' };
  }
  const ownMs = DELAYS_MS[Math.min(tries, DELAYS_MS.length) - 1] ?? 0;
  const pauseMs = end.kind === 'answered' ? Math.max(end.retryAfterMs ?? 0, ownMs) : ownMs;
  return pauseMs < remainingMs
    ? { kind: 'again', delayMs: pauseMs }
    : { kind: 'no-time', pauseMs, remainingMs: Math.max(0, remainingMs) };
}

/**
 * Until when a request and all its tries may hold the writers of its disk: the usual time and the patience after it
 * left, but not beyond the deadline of the window. Nanoseconds of CLOCK_MONOTONIC.
 */
export function patienceEndNs(
  firedNs: bigint,
  patienceMs: number,
  deadlineNs: bigint,
  usualMs = USUAL_MS,
): bigint {
  return earlierOf(firedNs + nanoseconds(usualMs + patienceMs), deadlineNs);
}

/** How much of its patience a request used, if that is worth a warning; undefined if it is not. */
export function remarkablePatienceMs(
  firedNs: bigint,
  endedNs: bigint,
  usualMs = USUAL_MS,
): number | undefined {
  const usedMs = Number(endedNs - firedNs) / 1e6 - usualMs;
  return usedMs > UNREMARKABLE_MS ? usedMs : undefined;
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

const HTTP_DATE = /^[A-Z][a-z]{2}, .* GMT$/;

/**
 * `Retry-After` in milliseconds: a number of seconds, as Azure sends it, or a date, as a proxy may (RFC 9110, 10.2.3). Undefined
 * for anything else.
 *
 * @param date the `Date` of the answer: a date counts from then, whatever the clock of this machine says
 */
export function parseRetryAfterMs(
  value: string | undefined,
  date: string | undefined,
): number | undefined {
  if (value === undefined) {
    return undefined;
  }
  if (/^\d{1,6}$/.test(value)) {
    return Number(value) * 1_000;
  }
  const pauseMs = HTTP_DATE.test(value) ? Date.parse(value) - Date.parse(date ?? '') : Number.NaN;
  return Number.isNaN(pauseMs) ? undefined : Math.max(0, pauseMs);
}

function mayPass(end: FailedTry): boolean {
  if (end.kind === 'broken') {
    return end.failure !== 'tls' && end.failure !== 'protocol';
  }
  return (
    TRANSIENT_STATUSES.has(end.httpStatus) ||
    (end.serviceCode !== undefined && TRANSIENT_CODES.has(end.serviceCode))
  );
}
