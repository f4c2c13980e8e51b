import { createHash } from 'node:crypto';
import { lstat, mkdir, readFile, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../system/errno.ts';
import { writeWhole } from '../system/replace-file.ts';
import { examplePath, type Places } from './places.ts';
import type { SetupRecord } from './record.ts';

/** What the file is: as setup made it, another one, or none. */
type State = 'ours' | 'changed' | 'missing';

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A link counts as changed, whatever it leads to. */
export async function exampleState(places: Places, digest: SetupRecord['example']): Promise<State> {
  const path = examplePath(places);
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) {
    return 'missing';
  }
  const isOurs = found.isFile() && digestOf(await readFile(path, 'utf8')) === digest;
  return isOurs ? 'ours' : 'changed';
}

/** Puts the example to where the timer reads it, unless a file is there that setup has not made or that was changed. */
export async function putExample(
  text: string,
  places: Places,
  digest: SetupRecord['example'],
): Promise<void> {
  if ((await exampleState(places, digest)) !== 'changed') {
    const path = examplePath(places);
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeWhole(path, text, { mode: 0o600 });
  }
}

/** @returns what was removed; nothing if the file was changed */
export async function removeExample(
  places: Places,
  digest: SetupRecord['example'],
): Promise<string[]> {
  const path = examplePath(places);
  if ((await exampleState(places, digest)) !== 'ours') {
    return [];
  }
  await rm(path);
  await rmdir(dirname(path)).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOTEMPTY') {
      throw error;
    }
  });
  return [path];
}
