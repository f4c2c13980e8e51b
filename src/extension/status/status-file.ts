import { access, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FlashfreezeError } from '../../errors.ts';

/**
 * Writes `<folder>/<sequence>.status` such that a reader finds the old file or the new one, whole: a
 * half-written one makes the agent wait and then report an error (agent-contract.md, Status file).
 * Also after a power cut. Harmless beside another writer of the same file; the last one wins.
 *
 * Throws FF_STATUS_UNWRITABLE where there is no space or no permission; then the old file stands as
 * it was. Blocks while the folder's file system is frozen.
 */
export async function writeStatusFile(
  folder: string,
  sequence: number,
  text: string,
): Promise<void> {
  const path = pathOf(folder, sequence);
  // The agent reads `<number>.status` only, and two processes must not share one.
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeDurably(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw unwritable(path, error);
  }
  // The new file is there for everybody; it is only not certain yet to survive a power cut.
  await syncDirectory(dirname(path)).catch(() => undefined);
}

/** Whether there is a status file of that sequence number; a file that was deleted is not wanted back. */
export async function statusFileExists(folder: string, sequence: number): Promise<boolean> {
  return access(pathOf(folder, sequence)).then(
    () => true,
    () => false,
  );
}

function pathOf(folder: string, sequence: number): string {
  return join(folder, `${sequence}.status`);
}

async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, 'w', 0o600);
  await file.writeFile(text);
  await file.sync();
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync();
}

function unwritable(path: string, error: unknown): FlashfreezeError {
  const { code = 'unknown error', syscall = '' } = error as NodeJS.ErrnoException;
  return new FlashfreezeError(
    'FF_STATUS_UNWRITABLE',
    `The status file ${path} cannot be written: ${code}. Make room for it, or the folder writable.`,
    { systemCall: { errno: code, syscall, path } },
  );
}
