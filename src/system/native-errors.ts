import { FlashfreezeError } from '../errors.ts';
import { systemCallFailure } from './native.ts';

/** The remedy if a limit of the machine or of this process caused the error; undefined for other errors. */
export function resourceAdvice(errno: string): string | undefined {
  switch (errno) {
    case 'EMFILE':
      return 'this process has reached its limit of open files. Raise it (ulimit -n, or LimitNOFILE= of the unit) to 1024 or more';
    case 'ENFILE':
      return 'the machine has no file handles left. Raise fs.file-max';
    case 'EAGAIN':
      return 'the limit of processes or threads is reached. Raise it (ulimit -u, or TasksMax= of the unit)';
    case 'ENOMEM':
      return 'the machine is short of memory. Free memory and try again';
    default:
      return undefined;
  }
}

/** The error of a failed native call; `FF_LIMIT_REACHED` if a limit of the machine or process caused it. */
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
