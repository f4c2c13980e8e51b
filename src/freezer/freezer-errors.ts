import { FlashfreezeError } from '../errors.ts';
import { systemCallFailure } from './native.ts';

/** Of a mount point that cannot be opened. */
export function openError(error: unknown): Error {
  const systemCall = systemCallFailure(error);
  if (systemCall?.syscall !== 'open') {
    return internalError(error);
  }
  return new FlashfreezeError(
    'FF_MOUNT_OPEN',
    `cannot open the mount point "${systemCall.path ?? ''}": ${systemCall.errno}; expected a mounted directory or file`,
    { systemCall },
  );
}

/** Why a ledger is in memory only; throws what is no failed system call. */
export function reasonInMemory(error: unknown): string {
  const failure = systemCallFailure(error);
  if (failure === undefined) {
    throw internalError(error);
  }
  const { errno, syscall, path = '' } = failure;
  return errno === 'EOPNOTSUPP'
    ? `${path || 'its directory'} is on no tmpfs`
    : `${syscall} ${path}: ${errno}`;
}

export function internalError(error: unknown): FlashfreezeError {
  const systemCall = systemCallFailure(error);
  const reason = error instanceof Error ? error.message : String(error);
  return new FlashfreezeError('FF_INTERNAL', `freezer: ${reason}`, systemCall && { systemCall });
}
