import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { JOURNAL_DIRECTORY } from '../backup/journal/journal.ts';
import { errnoOf } from '../system/errno.ts';

/** Holds a directory for each version of the extension whose own directory took no more. */
export const MEMORY_DIRECTORY = join(JOURNAL_DIRECTORY, 'records');

/** In memory, until the next boot: what cannot be written to the directory of the extension. */
export function memoryOf(directory: string): string {
  return join(MEMORY_DIRECTORY, basename(directory));
}

/** Whether an error of a write says that the file system takes no more: it is full, or was mounted read-only. */
export function isFull(errno: string | undefined): boolean {
  return errno === 'ENOSPC' || errno === 'EDQUOT' || errno === 'EROFS';
}

/**
 * Writes to the directory of the extension, or in memory if its file system takes no more: a full disk must not cost the
 * backup.
 *
 * @param write writes files into the directory that it gets
 * @returns whether it is on the disk
 * @throws what `write` throws for another reason
 */
export async function onDiskOrInMemory(
  directory: string,
  write: (directory: string) => Promise<void>,
): Promise<boolean> {
  try {
    await write(directory);
    return true;
  } catch (error) {
    if (!isFull(errnoOf(error))) {
      throw error;
    }
  }
  const memory = memoryOf(directory);
  await mkdir(memory, { recursive: true, mode: 0o700 });
  await write(memory);
  return false;
}
