import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** How `writeWhole` puts a file into its place. */
export interface Placing {
  readonly mode: number;
  /** The folder of the temporary file, on the same file system. Default: the folder of the file; its name is hidden. */
  readonly folder?: string;
  /** Puts the written file into its place. Default: rename(2), which replaces an existing file. */
  readonly place?: (temporary: string, path: string) => Promise<void>;
}

/**
 * Writes a file so that a reader finds the complete old or the complete new content, also after a power failure: it
 * writes a temporary file, syncs and renames it, and syncs the folder. Leaves no temporary file. Blocks while the file
 * system is frozen.
 *
 * @throws the system's error; the file is then unchanged
 */
export async function writeWhole(
  path: string,
  content: string | Uint8Array,
  { mode, folder = dirname(path), place = rename }: Placing,
): Promise<void> {
  const temporary = join(folder, `.${basename(path)}.${randomUUID()}`);
  await writeAndPlace(temporary, path, place, async (file) => {
    await file.chmod(mode);
    await file.writeFile(content);
  });
}

/**
 * Replaces the content of an existing file as `writeWhole` does, and keeps mode, owner and times: the settings file
 * that was modified last is the current one, and only the agent may decide which one that is.
 *
 * @throws the system's error; the file is then unchanged
 */
export async function replaceContent(path: string, text: string): Promise<void> {
  const { mode, uid, gid, atime, mtime } = await stat(path);
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  await writeAndPlace(temporary, path, rename, async (file) => {
    await file.writeFile(text);
    await file.chown(uid, gid);
    await file.chmod(mode & 0o7777);
    await file.utimes(atime, mtime);
  });
}

async function writeAndPlace(
  temporary: string,
  path: string,
  place: (temporary: string, path: string) => Promise<void>,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  try {
    await using file = await open(temporary, 'wx', 0o600);
    await write(file);
    await file.sync();
    await place(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  // The file is already in its place; only a power failure could still undo the rename.
  await syncFolder(dirname(path)).catch(() => undefined);
}

export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}
