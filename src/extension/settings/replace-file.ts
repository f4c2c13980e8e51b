import { randomUUID } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Puts text into the place of a file, with the same mode, owner and times: written beside it, synced,
 * renamed.
 *
 * @throws what the system says; the file is then as it was
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const { mode, uid, gid, atime, mtime } = await stat(path);
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    await using file = await open(temporary, 'wx', 0o600);
    await file.writeFile(text);
    await file.chown(uid, gid);
    await file.chmod(mode & 0o7777);
    // Which file was modified last says which is the current one, and that is the agent's doing.
    await file.utimes(atime, mtime);
    await file.sync();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await using folder = await open(dirname(path));
  await folder.sync();
}
