import type { DeviceNumber } from '../../system/device-number.ts';
import { type Mount, optionValue } from '../../system/mountinfo.ts';
import { type BlockTopology, devicesOfMount, type Leaf, leavesUnder } from '../block-topology.ts';
import { natureOfType } from '../file-system-types.ts';
import { holderOfImage, mountHolding } from '../image-holder.ts';
import type { MountTree } from '../mount-tree.ts';
import { type Superblock, superblocksOf } from '../superblocks.ts';
import type { Relation } from './relation-types.ts';

export interface StorageRelations {
  readonly relations: readonly Relation[];
  /**
   * Superblocks in images whose place cannot be seen, or that another process serves (a FUSE
   * daemon): what that needs may be seen in part (`daemonRelations`), but never as a whole.
   */
  readonly unseen: ReadonlySet<DeviceNumber>;
}

/** Relations that come from where data is kept: images on loop devices, upper layers of overlays. */
export function storageRelations(
  mounts: readonly Mount[],
  topology: BlockTopology,
  tree: MountTree,
): StorageRelations {
  const relations: Relation[] = [];
  const unseen = new Set<DeviceNumber>();
  for (const superblock of superblocksOf(mounts, tree)) {
    const dependent = superblock.device;
    for (const leaf of imagesUnder(superblock, topology)) {
      const { holders, isSeen } = locate(leaf, topology, tree);
      relations.push(
        ...holders.map(
          (on): Relation => ({ dependent, on, via: { kind: 'loop', device: leaf.name } }),
        ),
      );
      if (!isSeen) {
        unseen.add(dependent);
      }
    }
    relations.push(...overlayRelations(superblock, tree));
  }
  return { relations, unseen };
}

/** The source of a btrfs differs from mount to mount; the first that is known serves. */
function imagesUnder({ mounts }: Superblock, topology: BlockTopology): Leaf[] {
  const known = mounts.map((mount) => devicesOfMount(topology, mount));
  const names = known.find((devices) => devices.length > 0) ?? [];
  return leavesUnder(topology, names).filter(({ under }) => under.kind === 'image');
}

interface Location {
  readonly holders: readonly DeviceNumber[];
  readonly isSeen: boolean;
}

function locate(leaf: Leaf, topology: BlockTopology, tree: MountTree): Location {
  if (leaf.under.kind !== 'image') {
    return { holders: [], isSeen: true };
  }
  const holder = holderOfImage(topology, tree, leaf.under.image, leaf.sizeBytes);
  switch (holder.kind) {
    case 'memory':
      return { holders: [], isSeen: true };
    case 'file-system':
      return { holders: [holder.device], isSeen: holder.isCertain };
    case 'not-visible': {
      // A file of a FUSE mount is not looked at, since that could block; its path is believed.
      const mount = mountHolding(tree, leaf.under.image.path);
      const isServed = mount !== undefined && natureOfType(mount.type) === 'served';
      return { holders: isServed ? [mount.device] : [], isSeen: false };
    }
  }
}

function overlayRelations({ device, mounts }: Superblock, tree: MountTree): Relation[] {
  const [{ type, superOptions }] = mounts;
  const upper = type === 'overlay' ? optionValue(superOptions, 'upperdir') : undefined;
  const on = upper?.startsWith('/') ? tree.mountAt(upper)?.device : undefined;
  return on === undefined ? [] : [{ dependent: device, on, via: { kind: 'overlay' } }];
}
