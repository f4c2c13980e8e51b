import { FlashfreezeError } from '../errors.ts';
import { preflightErrorCode } from '../snapshot/blob/failures.ts';
import type { RequestFailure } from '../snapshot/model.ts';

/** What a check of one target found: its preflight, or its re-warming. */
export type CheckResult = { readonly ok: true } | ({ readonly ok: false } & FailedCheck);

export interface FailedCheck {
  readonly target: number;
  readonly failure: RequestFailure;
}

/** Ends a run before anything is frozen, because blobs cannot be snapshotted. */
export class PreflightError extends FlashfreezeError {
  readonly failures: readonly FailedCheck[];

  /** @param failures at least one */
  constructor(failures: readonly [FailedCheck, ...FailedCheck[]], blobs: readonly string[]) {
    const lines = failures.map(({ target, failure }) => `${blobs[target]}: ${failure.message}`);
    super(
      preflightErrorCode(failures[0].failure),
      `${failures.length} of ${blobs.length} blobs cannot be snapshotted; nothing was frozen.\n  ${lines.join('\n  ')}`,
    );
    this.failures = failures;
  }
}

/**
 * The error that ends a run before anything is frozen, where a blob cannot be snapshotted; undefined
 * where all can. Each of them is named with what the service said and what to do.
 *
 * @param blobs the blobs' URLs without query, in the order of the targets
 */
export function preflightError(
  checks: readonly CheckResult[],
  blobs: readonly string[],
): PreflightError | undefined {
  const [first, ...others] = checks.flatMap((it) => (it.ok ? [] : [it]));
  return first === undefined ? undefined : new PreflightError([first, ...others], blobs);
}
