import { type ErrorCode, FlashfreezeError } from '../errors.ts';
import { preflightErrorCode } from '../snapshot/blob/failures.ts';
import { diskErrorCode } from '../snapshot/managed/disk-failures.ts';
import type { RequestFailure } from '../snapshot/snapshot-types.ts';
import type { ProviderKind } from './request.ts';

/** The result of checking one target, in the preflight or when its connection is tested again. */
export type CheckResult = { readonly ok: true } | ({ readonly ok: false } & FailedCheck);

export interface FailedCheck {
  readonly target: number;
  readonly failure: RequestFailure;
}

/** What targets are, in messages, and the code of the error that their failures end a run with. */
interface Wording {
  readonly plural: string;
  readonly codeOf: (failure: RequestFailure) => ErrorCode;
}

const BLOBS: Wording = { plural: 'blobs', codeOf: preflightErrorCode };
const DISKS: Wording = { plural: 'managed disks', codeOf: diskErrorCode };

/** Ends a run before anything is frozen, because snapshots of some blobs or managed disks cannot be taken. */
export class PreflightError extends FlashfreezeError {
  readonly failures: readonly FailedCheck[];
  /** Of all targets, in order. */
  readonly names: readonly string[];

  /** @param failures at least one */
  constructor(
    failures: readonly [FailedCheck, ...FailedCheck[]],
    names: readonly string[],
    { plural, codeOf }: Wording = BLOBS,
  ) {
    const lines = failures.map(({ target, failure }) => `${names[target]}: ${failure.message}`);
    super(
      codeOf(failures[0].failure),
      `${failures.length} of ${names.length} ${plural} cannot be snapshotted; nothing was frozen.\n  ${lines.join('\n  ')}`,
    );
    this.failures = failures;
    this.names = names;
  }
}

/**
 * The error that ends a run before anything is frozen if a snapshot of a blob cannot be taken or the host service cannot
 * be reached; undefined if all checks passed. The message gives for each blob the answer of the service and the remedy.
 *
 * @param names the names of the targets, in order
 */
export function preflightError(
  checks: readonly CheckResult[],
  names: readonly string[],
  provider: ProviderKind = 'guest',
): FlashfreezeError | undefined {
  const [first, ...others] = checks.flatMap((it) => (it.ok ? [] : [it]));
  if (first === undefined) {
    return undefined;
  }
  switch (provider) {
    case 'host':
      return new FlashfreezeError(
        'FF_HOST_UNREACHABLE',
        `${first.failure.message}; nothing was frozen.`,
      );
    case 'command':
      return new FlashfreezeError(
        'FF_COMMAND_LOST',
        `${names[first.target]} ${first.failure.message}; nothing was frozen.`,
      );
    case 'guest':
      return new PreflightError([first, ...others], names);
    case 'managed':
      return new PreflightError([first, ...others], names, DISKS);
  }
}
