import { FlashfreezeError } from '../errors.ts';

/** Why work was aborted from outside; the `reason` of its AbortSignal. */
export interface AbortReason {
  readonly kind: 'signal';
  readonly signal: NodeJS.Signals;
}

/** @throws FlashfreezeError FF_INTERRUPTED where the run was aborted before anything was frozen */
export function throwIfAborted(abort: AbortSignal): void {
  if (abort.aborted) {
    throw interrupted(abort);
  }
}

/**
 * Waits for `work`, but no longer than until the abort. Work that is left behind ends by the disposal
 * of what it works with; what it comes to then is of no interest.
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

/** The reason of a signal made by `abortOnSignals`; SIGTERM where somebody aborted without one. */
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
