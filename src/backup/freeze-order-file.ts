import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FileSystem } from '../filesystems/plan-types.ts';
import { writeWhole } from '../system/replace-file.ts';

/** Survives a reboot, because the cause of a stuck freeze usually does so too. */
export const FREEZE_ORDER_PATH = '/var/lib/flashfreeze/freeze-first.json';

/** More entries would mean that every file system gets stuck, which no order can prevent. */
const MAX_ENTRIES = 64;

/**
 * Indexes of the file systems that were stuck in earlier runs until they were frozen first. A missing or damaged file
 * counts as empty: that costs one freeze attempt, not the backup.
 */
export async function readFreezeOrder(
  fileSystems: readonly FileSystem[],
  path: string = FREEZE_ORDER_PATH,
): Promise<number[]> {
  const mountPoints = await readMountPoints(path);
  return fileSystems.flatMap(({ mountPoint }, index) =>
    mountPoints.includes(mountPoint) ? [index] : [],
  );
}

/** Adds mount points to the file. Rejects with the system's error if it cannot be written. */
export async function rememberFreezeOrder(
  mountPoints: readonly string[],
  path: string = FREEZE_ORDER_PATH,
): Promise<void> {
  const known = await readMountPoints(path);
  const all = [...new Set([...mountPoints, ...known])].slice(0, MAX_ENTRIES);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeWhole(path, `${JSON.stringify({ freezeFirst: all })}\n`, { mode: 0o600 });
}

async function readMountPoints(path: string): Promise<string[]> {
  try {
    const content: unknown = JSON.parse(await readFile(path, 'utf8'));
    const list =
      typeof content === 'object' && content !== null && 'freezeFirst' in content
        ? content.freezeFirst
        : [];
    return Array.isArray(list) ? list.filter((it) => typeof it === 'string') : [];
  } catch {
    return [];
  }
}
