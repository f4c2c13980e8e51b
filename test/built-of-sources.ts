import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { keepLock } from './kept-lock.ts';

const CHECKOUT = join(import.meta.dirname, '..');
const KEPT_MS = 3_600_000;

/**
 * The folder below `cache` with what `build` makes of these sources; what was made of the same ones is used again. Of
 * several processes that ask for it at once, one makes it. Folders that were not asked for in the last hour are removed.
 *
 * @param sources files and folders of the checkout
 */
export async function builtOfSources(
  cache: string,
  sources: readonly string[],
  build: (directory: string) => Promise<void>,
): Promise<string> {
  await mkdir(cache, { recursive: true });
  await using _turn = await keepLock(`${cache}.lock`, 'exclusive');
  const directory = join(cache, await hashOf(sources));
  await mkdir(directory, { recursive: true });
  // It is used from now on, so that none of the others removes it meanwhile.
  const now = new Date();
  await utimes(directory, now, now);
  await removeOld(cache);
  await build(directory);
  return directory;
}

async function hashOf(sources: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const source of sources.map((name) => join(CHECKOUT, name))) {
    for (const file of await filesIn(source)) {
      hash.update(`${file}\0`).update(await readFile(file));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function filesIn(path: string): Promise<string[]> {
  if ((await stat(path)).isFile()) {
    return [path];
  }
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function removeOld(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    if (Date.now() - (await stat(path)).mtimeMs > KEPT_MS) {
      await rm(path, { recursive: true, force: true });
    }
  }
}
