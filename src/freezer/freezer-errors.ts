import { FlashfreezeError } from '../errors.ts';
import { systemCallFailure } from '../system/native.ts';
import { nativeError, resourceAdvice } from '../system/native-errors.ts';

/** The error for a mount point that cannot be opened. */
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

/** The error if `/proc` cannot be read for the opened mounts. */
export function lookError(error: unknown): Error {
  const { code: errno = 'unknown', syscall = 'open', path } = error as NodeJS.ErrnoException;
  const advice = resourceAdvice(errno);
  return advice === undefined
    ? nativeError(error)
    : new FlashfreezeError(
        'FF_MOUNT_OPEN',
        `cannot inspect the opened mounts: ${errno}; ${advice}`,
        { systemCall: { errno, syscall, ...(path === undefined ? {} : { path }) } },
      );
}

/** Says why a ledger of this directory is in memory only. Throws any error that is not a failed system call. */
export function reasonInMemory(error: unknown, directory: string): string {
  const failure = systemCallFailure(error);
  if (failure === undefined) {
    throw nativeError(error);
  }
  const { errno, syscall, path = '' } = failure;
  return errno === 'EOPNOTSUPP'
    ? `${directory || 'its directory'} is not on a tmpfs`
    : `${syscall} ${path}: ${errno}`;
}
