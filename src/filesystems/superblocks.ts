import type { DeviceNumber } from '../system/device-number.ts';
import type { Mount } from '../system/mountinfo.ts';
import type { MountTree } from './mount-tree.ts';

/** One superblock with everything that is mounted of it: binds, second mounts, btrfs subvolumes. */
export interface Superblock {
  readonly device: DeviceNumber;
  /** In the kernel's order; never empty. */
  readonly mounts: readonly [Mount, ...Mount[]];
  /** Those whose mount point leads to them, best suited to be opened first. */
  readonly visible: readonly Mount[];
}

/** Mounts by superblock: the third field of mountinfo, which stat(2) does not show on btrfs. */
export function superblocksOf(mounts: readonly Mount[], tree: MountTree): Superblock[] {
  const grouped = new Map<DeviceNumber, [Mount, ...Mount[]]>();
  for (const mount of mounts) {
    const group = grouped.get(mount.device);
    if (group === undefined) {
      grouped.set(mount.device, [mount]);
    } else {
      group.push(mount);
    }
  }
  return [...grouped].map(([device, group]) => ({
    device,
    mounts: group,
    visible: group.filter((mount) => tree.isVisible(mount)).sort(bySuitability),
  }));
}

/**
 * Any descriptor on the file system serves to freeze it, and the mount point names it for people:
 * `/` first, then whole file systems before binds (a bind can be of a single file, device or pipe),
 * then the shortest.
 */
function bySuitability(a: Mount, b: Mount): number {
  return (
    Number(b.mountPoint === '/') - Number(a.mountPoint === '/') ||
    depthOf(a.root) - depthOf(b.root) ||
    depthOf(a.mountPoint) - depthOf(b.mountPoint) ||
    compareText(a.mountPoint, b.mountPoint)
  );
}

/** Number of names in an absolute path; 0 for `/`. */
export function depthOf(path: string): number {
  return path.split('/').filter((name) => name !== '').length;
}

/** Order by code unit: the same everywhere, whatever the locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
