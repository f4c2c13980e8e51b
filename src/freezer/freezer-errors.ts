import { FlashfreezeError } from '../errors.ts';
import { systemCallFailure } from './native.ts';

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

/** What to do where the machine or a limit of this process is at fault; undefined for other errors. */
export function resourceAdvice(errno: string): string | undefined {
  switch (errno) {
    case 'EMFILE':
      return 'this process may not open more files; raise its limit (ulimit -n, or LimitNOFILE= of the unit) to 1024 or more';
    case 'ENFILE':
      return 'the machine has no file handles left; raise fs.file-max';
    case 'EAGAIN':
      return 'no more processes or threads may be started; raise the limit (ulimit -u, or TasksMax= of the unit)';
    case 'ENOMEM':
      return 'the machine is short of memory; try again';
    default:
      return undefined;
  }
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

/** Of a native call; `FF_LIMIT_REACHED` where the machine or a limit is at fault, not the program. */
export function nativeError(error: unknown, what = 'freezer'): FlashfreezeError {
  const systemCall = systemCallFailure(error);
  const reason = error instanceof Error ? error.message : String(error);
  const advice = systemCall && resourceAdvice(systemCall.errno);
  return systemCall === undefined || advice === undefined
    ? new FlashfreezeError('FF_INTERNAL', `${what}: ${reason}`, systemCall && { systemCall })
    : new FlashfreezeError(
        'FF_LIMIT_REACHED',
        `cannot prepare the freeze: ${reason}: ${systemCall.errno}; ${advice}`,
        { systemCall },
      );
}
