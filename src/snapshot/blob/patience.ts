import type { Exchange } from '../http/exchange.ts';
import type { ExchangeEnd } from '../http/exchange-end.ts';
import { sayingOf } from '../http/failures.ts';
import { type FailedTry, remarkablePatienceMs, SILENCE_MS } from '../http/retry.ts';
import type { RequestFailure, SnapshotAnswer } from '../snapshot-types.ts';

/** The patience that a snapshot request used, if that is worth a warning. */
export function patienceOf({
  firedNs,
  endedNs,
  trouble,
}: Exchange): Pick<SnapshotAnswer, 'patience'> {
  const usedMs =
    firedNs === undefined || endedNs === undefined
      ? undefined
      : remarkablePatienceMs(firedNs, endedNs);
  return usedMs === undefined ? {} : { patience: { usedMs, waitedFor: describeWait(trouble) } };
}

/** What a request waited for. No text of the server is quoted. */
export function describeWait(trouble: Exchange['trouble']): string {
  if (trouble === undefined) {
    return 'the answer to its request';
  }
  if (trouble === 'silent') {
    return `an answer: none came within ${SILENCE_MS / 1_000} s, so a second request was sent`;
  }
  if (trouble.kind === 'broken') {
    return `another try: the first one failed (${trouble.failure})`;
  }
  const { httpStatus, retryAfterMs } = trouble;
  return retryAfterMs === undefined
    ? `another try: the first answer was HTTP ${httpStatus}`
    : `another try: the first answer was HTTP ${httpStatus} with Retry-After: ${retryAfterMs / 1_000}`;
}

function describeTry(failed: FailedTry): string {
  return failed.kind === 'broken' ? sayingOf(failed.failure) : `HTTP ${failed.httpStatus}`;
}

const WHAT_LIMITS = 'patience and timeout limit it: see --patience and --timeout';

/**
 * Names the limits if more time could have helped: there was no answer, or it asked for a pause that did not fit.
 *
 * @param lastFailed the try before the one that had no time left; undefined if there was none
 */
export function withLimits(
  failure: RequestFailure,
  end: ExchangeEnd | undefined,
  lastFailed?: FailedTry,
): RequestFailure {
  if (failure.kind === 'timeout') {
    const before = lastFailed && `; the try before failed: ${describeTry(lastFailed)}`;
    return { ...failure, message: `${failure.message}${before ?? ''} (${WHAT_LIMITS})` };
  }
  if (end?.kind !== 'refused' || end.noTime === undefined) {
    return failure;
  }
  const { pauseMs, remainingMs } = end.noTime;
  const [pause, left] = [pauseMs, remainingMs].map((it) => (it / 1_000).toFixed(1));
  return {
    ...failure,
    message: `${failure.message}. The next try was due after ${pause} s, and only ${left} s were left (${WHAT_LIMITS})`,
  };
}
