import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Paths of all files and folders below `root`, relative to it; other file systems are not entered. */
export async function listTree(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.map((entry) => relative(root, join(entry.parentPath, entry.name))).sort();
}
