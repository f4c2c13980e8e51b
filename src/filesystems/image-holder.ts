import type { DeviceNumber } from '../system/device-number.ts';
import { type Mount, optionValue } from '../system/mountinfo.ts';
import { type BackingFile, type BlockTopology, devicesOfMount } from './block-topology.ts';
import { natureOfType } from './file-system-types.ts';
import type { MountTree } from './mount-tree.ts';

/** Where the image behind a loop device is kept. */
export type ImageHolder =
  /** In memory: no disk, and nothing that a freeze could be waiting for. */
  | { readonly kind: 'memory' }
  /** On a file system with block devices. `isCertain`: the path was found to lead to the very file. */
  | { readonly kind: 'file-system'; readonly device: DeviceNumber; readonly isCertain: boolean }
  /** Another mount namespace, a FUSE daemon, a network mount, a mount that is gone. */
  | { readonly kind: 'not-visible' };

/** Stacked overlays are not deeper: FILESYSTEM_MAX_STACK_DEPTH in the kernel is 2. */
const MAX_OVERLAY_DEPTH = 4;

/**
 * The mount on which a file really lies: that of its path, and if that is an overlay, the one of
 * its upper directory, since an image that is written to has been copied up.
 */
export function mountHolding(tree: MountTree, path: string): Mount | undefined {
  let mount = tree.mountAt(path);
  for (let depth = 0; mount?.type === 'overlay'; depth += 1) {
    const directory = optionValue(mount.superOptions, 'upperdir');
    if (depth === MAX_OVERLAY_DEPTH || !directory?.startsWith('/')) {
      return undefined;
    }
    mount = tree.mountAt(directory);
  }
  return mount;
}

/**
 * Finds the file system that holds an image. The kernel tells the path as it was in the mount
 * namespace of the process that attached it, so the path is believed only if it leads to a file of exactly
 * the loop device's size (and on the device expected there). The path of an unlinked image can no
 * longer be looked at: what it says is used, but not relied on.
 */
export function holderOfImage(
  topology: BlockTopology,
  tree: MountTree,
  image: BackingFile,
  loopSizeBytes: number,
): ImageHolder {
  const mount = mountHolding(tree, image.path);
  if (mount === undefined || !(image.isDeleted || leadsToImage(image, tree, loopSizeBytes))) {
    return { kind: 'not-visible' };
  }
  if (natureOfType(mount.type) === 'memory') {
    return image.isDeleted ? { kind: 'not-visible' } : { kind: 'memory' };
  }
  if (devicesOfMount(topology, mount).length === 0) {
    return { kind: 'not-visible' };
  }
  return { kind: 'file-system', device: mount.device, isCertain: !image.isDeleted };
}

function leadsToImage(image: BackingFile, tree: MountTree, loopSizeBytes: number): boolean {
  const { found, offsetBytes, sizeLimitBytes } = image;
  if (found === undefined) {
    return false;
  }
  const rest = Math.max(0, found.sizeBytes - offsetBytes);
  const shown = sizeLimitBytes === 0 ? rest : Math.min(rest, sizeLimitBytes);
  // A loop device has whole sectors only, of up to 4 KiB.
  const hasItsSize = loopSizeBytes <= shown && shown - loopSizeBytes < 4096;
  return hasItsSize && isOnMount(found.device, tree.mountAt(image.path));
}

/** btrfs and overlay show a device number of their own in stat(2). */
function isOnMount(device: DeviceNumber, mount: Mount | undefined): boolean {
  const hasOwnNumbers = mount?.type === 'btrfs' || mount?.type === 'overlay';
  return hasOwnNumbers || device === mount?.device;
}
