import { readFile } from 'node:fs/promises';
import { loadAddon } from '../../system/native.ts';
import type { FileSystem } from '../plan-types.ts';
import { longOperation, type MaintainedFileSystem } from './maintenance.ts';

/** What is frozen, with a descriptor of it where there is one. */
export type OpenFileSystem = Pick<FileSystem, 'mountPoint' | 'type'> & {
  readonly descriptor: number;
};

/**
 * The long operations that run on file systems now. Waits for no device; what the kernel does not tell (as older ones
 * do not, and none to others than root) is none.
 *
 * @throws FlashfreezeError FF_ADDON_MISSING
 */
export async function readMaintenance(
  fileSystems: readonly OpenFileSystem[],
): Promise<MaintainedFileSystem[]> {
  const btrfs = fileSystems.filter(({ type }) => type === 'btrfs');
  if (btrfs.length === 0) {
    return [];
  }
  const scrubs = loadAddon().btrfsScrubs(btrfs.map(({ descriptor }) => descriptor));
  const found = await Promise.all(
    btrfs.map(async ({ mountPoint }, index) => {
      const { fsid = '', isScrubbed = null } = scrubs[index] ?? {};
      const operation = longOperation(await readExclusiveOperation(fsid), isScrubbed === true);
      return operation === undefined ? [] : [{ mountPoint, fsid, operation }];
    }),
  );
  return found.flat();
}

/** The fsid of each that is a btrfs. Waits for nothing. */
export function fsidsOf(fileSystems: readonly OpenFileSystem[]): (string | undefined)[] {
  const scrubs = loadAddon().btrfsScrubs(fileSystems.map(({ descriptor }) => descriptor));
  return fileSystems.map((_, index) => scrubs[index]?.fsid || undefined);
}

/**
 * What runs by exclusive_operation alone: only a file of the kernel's is read, so it can be asked while something is
 * frozen or stuck.
 */
export async function readExclusiveMaintenance(
  mountPoint: string,
  fsid: string,
): Promise<MaintainedFileSystem | undefined> {
  const operation = longOperation(await readExclusiveOperation(fsid), false);
  return operation && { mountPoint, fsid, operation };
}

/** `none`, `balance`, `balance paused`, …; undefined if the kernel is too old to tell (before 5.10). */
export async function readExclusiveOperation(fsid: string): Promise<string | undefined> {
  const path = `/sys/fs/btrfs/${fsid}/exclusive_operation`;
  return fsid === '' ? undefined : (await readFile(path, 'utf8').catch(() => undefined))?.trim();
}
