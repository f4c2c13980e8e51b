import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FileSystem } from '../filesystems/plan-types.ts';
import { writeWhole } from '../system/replace-file.ts';

/** Survives a reboot, because so does what made a file system get stuck. */
export const FREEZE_ORDER_PATH = '/var/lib/flashfreeze/freeze-first.json';

/** More would mean that everything gets stuck, which no order mends. */
const MAX_ENTRIES = 64;

/**
 * The file systems that were stuck in earlier runs until they were frozen first, as indexes. A
 * missing or damaged file means that nothing has been learnt: it costs one attempt, no backup.
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

/** Adds to what is known. Rejects with the system's error where it cannot be kept. */
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
