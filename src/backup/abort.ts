import { FlashfreezeError } from '../errors.ts';
import type { AbortReason } from './request.ts';

/** @throws FlashfreezeError FF_INTERRUPTED where the run was aborted before anything was frozen */
export function throwIfAborted(abort: AbortSignal): void {
  if (abort.aborted) {
    throw new FlashfreezeError(
      'FF_INTERRUPTED',
      `ended by ${abortReasonOf(abort).signal}; nothing was frozen`,
    );
  }
}

/** The reason of a signal made by `abortOnSignals`; SIGTERM where somebody aborted without one. */
export function abortReasonOf({ reason }: AbortSignal): AbortReason {
  return isAbortReason(reason) ? reason : { kind: 'signal', signal: 'SIGTERM' };
}

function isAbortReason(reason: unknown): reason is AbortReason {
  return (
    typeof reason === 'object' && reason !== null && 'kind' in reason && reason.kind === 'signal'
  );
}
