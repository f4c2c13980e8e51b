import { FlashfreezeError } from '../errors.ts';
import { preflightErrorCode } from '../snapshot/blob/failures.ts';
import type { RequestFailure } from '../snapshot/model.ts';

/** What a check of one target found: its preflight, or its re-warming. */
export type CheckResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly target: number; readonly failure: RequestFailure };

/**
 * The error that ends a run before anything is frozen, where a blob cannot be snapshotted; undefined
 * where all can. Each of them is named with what the service said and what to do.
 *
 * @param blobs the blobs' URLs without query, in the order of the targets
 */
export function preflightError(
  checks: readonly CheckResult[],
  blobs: readonly string[],
): FlashfreezeError | undefined {
  const failures = checks.flatMap((it) => (it.ok ? [] : [it]));
  const first = failures[0];
  if (first === undefined) {
    return undefined;
  }
  const lines = failures.map(({ target, failure }) => `${blobs[target]}: ${failure.message}`);
  return new FlashfreezeError(
    preflightErrorCode(first.failure),
    `${failures.length} of ${blobs.length} blobs cannot be snapshotted; nothing was frozen.\n  ${lines.join('\n  ')}`,
  );
}
