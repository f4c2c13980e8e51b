import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** How a file gets its place. */
export interface Placing {
  readonly mode: number;
  /** Where it is written before; on the same file system. Default: the folder of the file, under a hidden name. */
  readonly folder?: string;
  /** Puts the written file into its place. Default: rename(2), which replaces what is there. */
  readonly place?: (temporary: string, path: string) => Promise<void>;
}

/**
 * Writes a file such that a reader finds the old one or the new one, whole, also after a power failure: written
 * beside it, synced, renamed, and the folder synced. Leaves no temporary file. Blocks while the file system is frozen.
 *
 * @throws what the system says; the file is then as it was
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
 * As `writeWhole`, but the file must exist, and keeps its mode, owner and times: which settings file was modified
 * last says which one is current, and that is up to the agent.
 *
 * @throws what the system says; the file is then as it was
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
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
  // The file is in its place already; only a power failure could still undo that.
  await syncFolder(dirname(path)).catch(() => undefined);
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}
