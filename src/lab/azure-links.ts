import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LabDevice } from './disks.ts';
import { runCommand } from './run-command.ts';
import { unmount } from './unmount.ts';

const DIRECTORY = '/dev/disk';
const LINKS = join(DIRECTORY, 'azure');

/** The LUN of the nth disk: the first one is the OS disk, which has none. */
export function lunOf(index: number): number {
  return index - 1;
}

/**
 * The links by which the udev rules of Azure show role and LUN of each disk: sysfs shows nothing of loop devices. On a
 * file system of their own, because /dev belongs to the machine too.
 */
export class AzureLinks implements AsyncDisposable {
  static async make(devices: readonly LabDevice[]): Promise<AzureLinks> {
    await mkdir(DIRECTORY, { recursive: true });
    await runCommand('mount', ['-t', 'tmpfs', 'flashfreeze-lab', DIRECTORY]);
    const links = new AzureLinks();
    try {
      for (const [index, { device }] of devices.entries()) {
        const link = join(LINKS, lunOf(index) < 0 ? 'os' : `data/by-lun/${lunOf(index)}`);
        await mkdir(dirname(link), { recursive: true });
        await symlink(device, link);
      }
      return links;
    } catch (error) {
      await links[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await unmount(DIRECTORY);
  }
}
