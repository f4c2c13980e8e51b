import { FlashfreezeError } from '../errors.ts';
import { errnoOf } from '../system/errno.ts';
import type { Places } from './places.ts';

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC:
    'the file system is full; the program takes 120 MB: free space, or choose another --prefix',
  EDQUOT: 'a quota is used up; the program takes 120 MB: free space, or choose another --prefix',
  EROFS: 'the file system is read-only; choose a --prefix on a writable one',
  ENOTDIR: 'expected a folder, or a path at which one can be made',
  EEXIST: 'expected a folder, or a path at which one can be made',
};

/** Turns a failed system call into a message for people. */
export async function failClearly<Result>(
  { prefix }: Places,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const errno = errnoOf(error);
    if (error instanceof FlashfreezeError || errno === undefined) {
      throw error;
    }
    const { path = prefix, syscall = '' } = error as NodeJS.ErrnoException;
    const advice = ADVICE[errno] ?? 'correct this and run setup again';
    throw new FlashfreezeError('FF_SETUP_FAILED', `${path}: ${syscall} ${errno}; ${advice}`);
  }
}
