import { FlashfreezeError } from '../errors.ts';
import { systemCallFailure } from './native.ts';

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
