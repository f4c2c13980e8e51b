import { FlashfreezeError } from '../errors.ts';

/** The reason why work was aborted from outside: the `reason` of its AbortSignal. */
export interface AbortReason {
  readonly kind: 'signal';
  readonly signal: NodeJS.Signals;
}

/** @throws FlashfreezeError FF_INTERRUPTED if the run was aborted before anything was frozen */
export function throwIfAborted(abort: AbortSignal): void {
  if (abort.aborted) {
    throw interrupted(abort);
  }
}

/**
 * Waits for `work`, but not past the abort. Abandoned work ends when the resources that it uses are disposed of; its
 * result is ignored.
 *
 * @throws FlashfreezeError FF_INTERRUPTED
 */
export async function unlessAborted<T>(abort: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(interrupted(abort));
  abort.addEventListener('abort', onAbort, { once: true });
  if (abort.aborted) {
    onAbort();
  }
  try {
    return await Promise.race([work, aborted]);
  } finally {
    abort.removeEventListener('abort', onAbort);
    work.catch(() => {});
  }
}

/** The reason of a signal made by `abortOnSignals`; SIGTERM if the abort has no such reason. */
export function abortReasonOf({ reason }: AbortSignal): AbortReason {
  return isAbortReason(reason) ? reason : { kind: 'signal', signal: 'SIGTERM' };
}

function interrupted(abort: AbortSignal): FlashfreezeError {
  return new FlashfreezeError(
    'FF_INTERRUPTED',
    `ended by ${abortReasonOf(abort).signal}; nothing was frozen`,
  );
}

function isAbortReason(reason: unknown): reason is AbortReason {
  return (
    typeof reason === 'object' && reason !== null && 'kind' in reason && reason.kind === 'signal'
  );
}
