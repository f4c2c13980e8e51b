import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { loadAddon } from '../../system/native.ts';
import type { FileSystem } from '../plan-types.ts';
import {
  longOperation,
  type MaintainedFileSystem,
  pausedOrNot,
  tellsPaused,
} from './maintenance.ts';

/** What is frozen, with a descriptor of it if there is one. */
export type OpenFileSystem = Pick<FileSystem, 'mountPoint' | 'type'> & {
  readonly descriptor: number;
};

/** The kernel answers at once, unless a balance begins just now. */
const STATUS_LIMIT_MS = 2_000;

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
      const exclusive = await readBalanceState({ mountPoint, fsid });
      const operation = longOperation(exclusive, isScrubbed === true);
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

/** As `readExclusiveOperation`, with `balance paused` on older kernels, too, which btrfs(8) is asked for: not while something is frozen. */
export async function readBalanceState(
  at: Pick<MaintainedFileSystem, 'mountPoint' | 'fsid'>,
): Promise<string | undefined> {
  const operation = await readExclusiveOperation(at.fsid);
  return operation === 'balance' && !tellsPaused(release())
    ? pausedOrNot(operation, await balanceStatus(at.mountPoint))
    : operation;
}

/** What btrfs(8) prints, empty if it cannot be had in time. It ends with 1 if there is a balance. */
function balanceStatus(mountPoint: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const env = { ...process.env, LC_ALL: 'C' };
  const child = execFile('btrfs', ['balance', 'status', mountPoint], { cwd: '/', env }, (_, said) =>
    resolve(said),
  );
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
    // One that the kernel holds is left behind.
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.unref();
    resolve('');
  }, STATUS_LIMIT_MS);
  return promise.finally(() => clearTimeout(timer));
}
