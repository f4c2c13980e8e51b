import { FlashfreezeError } from '../errors.ts';
import { systemCallFailure } from '../system/native.ts';
import { nativeError, resourceAdvice } from '../system/native-errors.ts';

/** Of a mount point that cannot be opened. */
export function openError(error: unknown): Error {
  const systemCall = systemCallFailure(error);
  if (systemCall?.syscall !== 'open') {
    return nativeError(error);
  }
  const { errno, path = '' } = systemCall;
  const advice = resourceAdvice(errno) ?? 'expected a mounted directory or file';
  return new FlashfreezeError(
    'FF_MOUNT_OPEN',
    `cannot open the mount point "${path}": ${errno}; ${advice}`,
    { systemCall },
  );
}

/** Of `/proc`, where what was opened cannot be looked at. */
export function lookError(error: unknown): Error {
  const { code: errno = 'unknown', syscall = 'open', path } = error as NodeJS.ErrnoException;
  const advice = resourceAdvice(errno);
  return advice === undefined
    ? nativeError(error)
    : new FlashfreezeError(
        'FF_MOUNT_OPEN',
        `cannot look at the mounts that were opened: ${errno}; ${advice}`,
        { systemCall: { errno, syscall, ...(path === undefined ? {} : { path }) } },
      );
}

/** Why a ledger of this directory is in memory only; throws what is no failed system call. */
export function reasonInMemory(error: unknown, directory: string): string {
  const failure = systemCallFailure(error);
  if (failure === undefined) {
    throw nativeError(error);
  }
  const { errno, syscall, path = '' } = failure;
  return errno === 'EOPNOTSUPP'
    ? `${directory || 'its directory'} is on no tmpfs`
    : `${syscall} ${path}: ${errno}`;
}
