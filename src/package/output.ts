import { mkdir, rename, writeFile } from 'node:fs/promises';
import { FlashfreezeError } from '../errors.ts';
import { errnoOf } from '../system/errno.ts';

/** @throws FlashfreezeError FF_USAGE if the output folder cannot be made */
export async function makeOut(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `cannot make --out ${folder} (${errnoOf(error) ?? String(error)}); expected a writable folder, or a path at which one can be made`,
    );
  }
}

/** Writes a file; a reader sees the old file or the new one, whole. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const written = `${path}.${process.pid}`;
  await writeFile(written, content);
  await rename(written, path);
}
