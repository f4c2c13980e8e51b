import { type ErrorCode, FlashfreezeError } from '../errors.ts';
import type { RequestFailure } from '../snapshot/model.ts';

/** What a check of one target found: its preflight, or its re-warming. */
export type CheckResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly target: number; readonly failure: RequestFailure };

/**
 * The error that ends a run before anything is frozen, where a blob could not be read; undefined
 * where all could. Every unreachable blob is named with what the service said and what to do.
 *
 * @param blobs the blobs' URLs without query, in the order of the targets
 */
export function preflightError(
  preflights: readonly CheckResult[],
  blobs: readonly string[],
): FlashfreezeError | undefined {
  const failures = preflights.flatMap((it) => (it.ok ? [] : [it]));
  const first = failures[0];
  if (first === undefined) {
    return undefined;
  }
  const lines = failures.map(
    ({ target, failure }) => `${blobs[target]}: ${failure.message}. ${remedyFor(failure)}`,
  );
  return new FlashfreezeError(
    codeFor(first.failure),
    `${failures.length} of ${blobs.length} blobs cannot be snapshotted; nothing was frozen.\n  ${lines.join('\n  ')}`,
  );
}

function codeFor({ httpStatus }: RequestFailure): ErrorCode {
  switch (httpStatus) {
    case 401:
    case 403:
      return 'FF_BLOB_REFUSED';
    case 404:
      return 'FF_BLOB_NOT_FOUND';
    default:
      return 'FF_BLOB_UNREACHABLE';
  }
}

function remedyFor(failure: RequestFailure): string {
  switch (codeFor(failure)) {
    case 'FF_BLOB_REFUSED':
      return 'Give a SAS that has not expired and grants read and write (sp=rw).';
    case 'FF_BLOB_NOT_FOUND':
      return 'Check the account, container and blob name.';
    default:
      return failure.kind === 'tls'
        ? 'Add the issuing certificate with NODE_EXTRA_CA_CERTS, or check the host name.'
        : 'Check name resolution, network and proxy of this machine.';
  }
}
