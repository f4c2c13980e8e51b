import { FlashfreezeError } from '../errors.ts';
import type { DeviceNumber } from '../system/device-number.ts';
import type { Mount } from '../system/mountinfo.ts';
import { FREEZABLE_TYPES, natureOfType } from './file-system-types.ts';
import { matchesMount, normalizeMountPoint, parseMountPattern } from './mount-pattern.ts';
import type { MountTree } from './mount-tree.ts';
import type { Selection } from './plan-types.ts';
import type { StorageFinder } from './storage.ts';
import type { Superblock } from './superblocks.ts';

/** A mounted file system, and the names of the disks under it. */
export interface Selectable extends Superblock {
  readonly disks: () => readonly string[];
}

export function selectables(
  superblocks: readonly Superblock[],
  finder: StorageFinder,
): Selectable[] {
  return superblocks.map((superblock) => ({
    ...superblock,
    // An image's loop device and the disk under the image both count.
    disks: () => finder.disksUnder(superblock.device, () => false).map(({ name }) => name),
  }));
}

/**
 * One sentence for each pattern that matches nothing: it may be misspelt, and then what was meant is frozen, or is not.
 * No error, because one configuration serves many machines.
 */
export function selectionWarnings(
  { include, skip }: Pick<Selection, 'include' | 'skip'>,
  mounted: readonly Selectable[],
): string[] {
  const unmatched = (pattern: string): boolean => !mounted.some((it) => matches(pattern, it));
  return [
    ...skip.filter(unmatched).map((it) => `${it} is to be left out, but ${nothingMatches(it)}`),
    ...include
      .filter((it) => isPattern(it) && unmatched(it))
      .map((it) => `${it} is to be frozen, but ${nothingMatches(it)}`),
  ];
}

function nothingMatches(pattern: string): string {
  return isPattern(pattern) ? 'it matches nothing that is mounted' : 'nothing is mounted there';
}

function isPattern(text: string): boolean {
  return parseMountPattern(text).kind !== 'path';
}

function matches(pattern: string, { mounts, disks }: Selectable): boolean {
  const mountPoints = mounts.map(({ mountPoint }) => mountPoint);
  return matchesMount(pattern, { type: mounts[0].type, mountPoints, disks });
}

/** The superblocks that are to be left out: one of their mount points, their type or one of their disks matches. */
export function skippedDevices(
  patterns: readonly string[],
  mounted: readonly Selectable[],
): ReadonlySet<DeviceNumber> {
  const skipped = mounted.filter((it) => patterns.some((pattern) => matches(pattern, it)));
  return new Set(skipped.map(({ device }) => device));
}

/**
 * The superblocks that a caller wants, with the mount if the caller named it. Of a named mount point only what is
 * visible at the path counts: if something is mounted over something else, the upper one. A pattern names no mount:
 * it wants all that matches and can be frozen, without the rest of what it matches being an error.
 *
 * Undefined if everything is wanted. Throws FF_MOUNT_NOT_FOUND for a path that is no mount point, FF_MOUNT_NOT_FREEZABLE for one of a
 * type that cannot be frozen.
 */
export function includedMounts(
  patterns: readonly string[],
  tree: MountTree,
  mounted: readonly Selectable[],
): ReadonlyMap<DeviceNumber, Mount | undefined> | undefined {
  if (patterns.length === 0) {
    return undefined;
  }
  const included = new Map<DeviceNumber, Mount | undefined>();
  for (const path of patterns.filter((it) => !isPattern(it) || isMountPoint(it, tree))) {
    const mount = mountNamed(path, tree);
    if (natureOfType(mount.type) !== 'freezable') {
      throw new FlashfreezeError(
        'FF_MOUNT_NOT_FREEZABLE',
        `${path}: a file system of type ${mount.type} cannot be frozen; ${FREEZABLE_TYPES} can. Leave it out.`,
      );
    }
    if (!included.has(mount.device)) {
      included.set(mount.device, mount);
    }
  }
  for (const it of mounted) {
    if (!included.has(it.device) && patterns.some((p) => isPattern(p) && matches(p, it))) {
      included.set(it.device, undefined);
    }
  }
  return included;
}

function isMountPoint(path: string, tree: MountTree): boolean {
  const normal = normalizeMountPoint(path);
  return path.startsWith('/') && tree.mountAt(normal)?.mountPoint === normal;
}

function mountNamed(path: string, tree: MountTree): Mount {
  if (!path.startsWith('/')) {
    throw new FlashfreezeError(
      'FF_MOUNT_NOT_FOUND',
      `${path}: a mount point is an absolute path, with a leading /; patterns are globs of it, type:<type> and disk:<disk>.`,
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
