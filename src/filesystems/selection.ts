import { normalize } from 'node:path/posix';
import { FlashfreezeError } from '../errors.ts';
import type { DeviceNumber } from '../system/device-number.ts';
import type { Mount } from '../system/mountinfo.ts';
import { natureOfType } from './file-system-types.ts';
import type { MountTree } from './mount-tree.ts';

/** `/data/` and `//data/.` name the same mount point as `/data`. */
export function normalizeMountPoint(path: string): string {
  const normal = normalize(path);
  return normal === '/' ? normal : normal.replace(/\/$/, '');
}

/**
 * One sentence for each path that is to be left out and is no mount point: it may be misspelt, and then
 * what was meant is frozen. No error, because one configuration serves many machines.
 */
export function skipWarnings(skip: readonly string[], mounts: readonly Mount[]): string[] {
  const mountPoints = new Set(mounts.map(({ mountPoint }) => mountPoint));
  return skip
    .filter((path) => !mountPoints.has(normalizeMountPoint(path)))
    .map((path) => `${path} is to be left out, but nothing is mounted there`);
}

/**
 * The mounts that a caller names, by superblock. Only what is visible at the path counts: where
 * something is mounted over something else, the upper one.
 *
 * Throws FF_MOUNT_NOT_FOUND for a path that is no mount point, FF_MOUNT_NOT_FREEZABLE for one of a
 * type that cannot be frozen.
 */
export function includedMounts(
  paths: readonly string[],
  tree: MountTree,
): ReadonlyMap<DeviceNumber, Mount> {
  const included = new Map<DeviceNumber, Mount>();
  for (const path of paths) {
    const mount = mountNamed(path, tree);
    if (natureOfType(mount.type) !== 'freezable') {
      throw new FlashfreezeError(
        'FF_MOUNT_NOT_FREEZABLE',
        `${path}: a file system of type ${mount.type} cannot be frozen; ext2, ext3, ext4, xfs, btrfs and f2fs can. Leave it out.`,
      );
    }
    if (!included.has(mount.device)) {
      included.set(mount.device, mount);
    }
  }
  return included;
}

function mountNamed(path: string, tree: MountTree): Mount {
  if (!path.startsWith('/')) {
    throw new FlashfreezeError(
      'FF_MOUNT_NOT_FOUND',
      `${path}: a mount point is an absolute path. Write it with a leading /.`,
    );
  }
  const normal = normalizeMountPoint(path);
  const mount = tree.mountAt(normal);
  if (mount?.mountPoint === normal) {
    return mount;
  }
  const nearest = mount === undefined ? '' : `; it lies below the mount point ${mount.mountPoint}`;
  throw new FlashfreezeError(
    'FF_MOUNT_NOT_FOUND',
    `${path}: nothing is mounted there${nearest}. Name a mount point as /proc/self/mountinfo has it.`,
  );
}
