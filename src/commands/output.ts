import { FlashfreezeError } from '../errors.ts';
import { errnoOf, reasonOf } from '../system/errno.ts';

const FULL: readonly (string | undefined)[] = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'];

/** The error for a file that a command was told to write and could not. */
export function unwritable(path: string, error: unknown): FlashfreezeError {
  return FULL.includes(errnoOf(error))
    ? new FlashfreezeError(
        'FF_OUTPUT_UNWRITABLE',
        `${path}: cannot be written (${reasonOf(error)}); the output is lost: free some space, or write to another file system`,
      )
    : new FlashfreezeError(
        'FF_USAGE',
        `${path}: cannot be written (${reasonOf(error)}); expected the path of a file in a folder that exists`,
      );
}
