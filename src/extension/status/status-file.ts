import { access, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FlashfreezeError } from '../../errors.ts';
import { errnoOf } from '../../system/errno.ts';
import { writeWhole } from '../../system/replace-file.ts';

/**
 * Writes `<folder>/<sequence>.status` such that a reader finds the old file or the new one, whole: a
 * half-written one makes the agent wait and then report an error (agent-contract.md, Status file).
 * Also after a power cut. Harmless beside another writer of the same file; the last one wins.
 *
 * Throws FF_STATUS_UNWRITABLE if there is no space or no permission; then the old file stays as
 * it was. Blocks while the folder's file system is frozen.
 */
export async function writeStatusFile(
  folder: string,
  sequence: number,
  text: string,
): Promise<void> {
  const path = pathOf(folder, sequence);
  // The agent reads `<number>.status` only, not the file that is being written.
  const write = (): Promise<void> => writeWhole(path, text, { mode: 0o600 });
  try {
    await write().catch(async (error: unknown) => {
      await madeIfMissing(folder, error);
      await write();
    });
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** Makes the folder, as the agent does, if that it is missing was the error; the extension's directory is not made again. */
async function madeIfMissing(folder: string, error: unknown): Promise<void> {
  if (errnoOf(error) !== 'ENOENT') {
    throw error;
  }
  await mkdir(folder, { mode: 0o700 }).catch(() => {
    throw error;
  });
}

/** Whether there is a status file of that sequence number. */
export async function statusFileExists(folder: string, sequence: number): Promise<boolean> {
  return access(pathOf(folder, sequence)).then(
    () => true,
    () => false,
  );
}

/** Whether an enable with a higher sequence number has written its status, though it recorded no task, e.g. for want of settings. */
export async function hasNewerStatusFile(folder: string, sequence: number): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.some((name) => Number(/^(\d+)\.status$/.exec(name)?.[1] ?? -1) > sequence);
}

function pathOf(folder: string, sequence: number): string {
  return join(folder, `${sequence}.status`);
}

function unwritable(path: string, error: unknown): FlashfreezeError {
  const { code = 'unknown error', syscall = '' } = error as NodeJS.ErrnoException;
  return new FlashfreezeError(
    'FF_STATUS_UNWRITABLE',
    `Cannot write the status file ${path}: ${code}. Free disk space, or make the folder writable.`,
    { systemCall: { errno: code, syscall, path } },
  );
}
