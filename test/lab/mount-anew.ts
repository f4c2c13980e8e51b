import { closeSync, openSync } from 'node:fs';
import type { LabDisk } from '../../src/lab/disks.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';

/** Unmounts a disk of the lab and mounts it again. */
export async function mountAnew({
  mounted,
  mountPoint,
}: Pick<LabDisk, 'mounted' | 'mountPoint'>): Promise<void> {
  // While its device is open, a loop device stays when it is unmounted.
  const held = openSync(mounted, 'r');
  try {
    await unmount(mountPoint);
    await runCommand('mount', [mounted, mountPoint]);
  } finally {
    closeSync(held);
  }
}
