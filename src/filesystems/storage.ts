import type { DeviceNumber } from '../system/device-number.ts';
import { type BlockTopology, devicesOfMount, type Leaf, leavesUnder } from './block-topology.ts';
import { diskOf, mayLieAnywhere } from './disks.ts';
import { holderOfImage, type ImageHolder } from './image-holder.ts';
import type { MountTree } from './mount-tree.ts';
import { compareText, type Superblock } from './superblocks.ts';

/** Whether a superblock is frozen in the same run. */
export type IsPlanned = (device: DeviceNumber) => boolean;

/** What the file system of the plan hold for one in an image. */
export interface Holders {
  /** The nearest file systems of the plan below it. */
  readonly planned: readonly DeviceNumber[];
  /** Loop devices whose image cannot be seen: any file system may hold it. */
  readonly notVisible: readonly Leaf[];
}

type LocatedLeaf =
  | { readonly kind: 'disk'; readonly leaf: Leaf }
  | { readonly kind: 'image'; readonly leaf: Leaf; readonly holder: ImageHolder };

/** Follows superblocks down to whole disks, through block devices and images on other superblocks. */
export class StorageFinder {
  readonly #topology: BlockTopology;
  readonly #tree: MountTree;
  readonly #superblocks: ReadonlyMap<DeviceNumber, Superblock>;
  readonly #leaves = new Map<DeviceNumber, readonly LocatedLeaf[]>();

  constructor(topology: BlockTopology, tree: MountTree, superblocks: readonly Superblock[]) {
    this.#topology = topology;
    this.#tree = tree;
    this.#superblocks = new Map(superblocks.map((superblock) => [superblock.device, superblock]));
  }

  /** Whether any block device is known under a superblock. */
  hasDevices(device: DeviceNumber): boolean {
    return this.#leavesOf(device).length > 0;
  }

  /**
   * Whole disks under a superblock. A loop device stands for itself, besides what lies under its
   * image, unless the file system that holds the image is frozen too: then a snapshot of the disks
   * under the image is all there is to take.
   */
  disksUnder(device: DeviceNumber, isPlanned: IsPlanned): Leaf[] {
    const disks = new Map<string, Leaf>();
    this.#descend(device, (located) => {
      const holder = located.kind === 'image' ? located.holder : undefined;
      const held = holder?.kind === 'file-system' ? holder : undefined;
      if (held === undefined || !held.isCertain || !isPlanned(held.device)) {
        disks.set(located.leaf.name, located.leaf);
      }
      return held?.device;
    });
    return [...disks.values()];
  }

  /** What is held by something outside the plan is held by what the plan has below that. */
  holdersUnder(device: DeviceNumber, isPlanned: IsPlanned): Holders {
    const planned = new Set<DeviceNumber>();
    const notVisible = new Map<string, Leaf>();
    this.#descend(device, (located) => {
      if (located.kind === 'disk') {
        return undefined;
      }
      const { holder, leaf } = located;
      if (holder.kind === 'not-visible' || (holder.kind === 'file-system' && !holder.isCertain)) {
        notVisible.set(leaf.name, leaf);
      }
      if (holder.kind !== 'file-system' || !isPlanned(holder.device)) {
        return holder.kind === 'file-system' ? holder.device : undefined;
      }
      planned.add(holder.device);
      return undefined;
    });
    planned.delete(device);
    return { planned: [...planned], notVisible: [...notVisible.values()] };
  }

  /** Names of the disks and loop devices under a superblock whose content may lie on any other disk. */
  elsewhereUnder(device: DeviceNumber, isPlanned: IsPlanned): string[] {
    const hidden = this.disksUnder(device, isPlanned).filter((leaf) =>
      mayLieAnywhere(diskOf(leaf, this.#topology)),
    );
    const { notVisible } = this.holdersUnder(device, isPlanned);
    return [...new Set([...hidden, ...notVisible].map(({ name }) => name))].sort(compareText);
  }

  /** Visits every leaf, and those of the superblock that `visit` answers with, each superblock once. */
  #descend(start: DeviceNumber, visit: (located: LocatedLeaf) => DeviceNumber | undefined): void {
    const entered = new Set([start]);
    // A set can be added to while it is gone through.
    for (const device of entered) {
      for (const located of this.#leavesOf(device)) {
        const next = visit(located);
        if (next !== undefined) {
          entered.add(next);
        }
      }
    }
  }

  #leavesOf(device: DeviceNumber): readonly LocatedLeaf[] {
    const known = this.#leaves.get(device);
    if (known !== undefined) {
      return known;
    }
    const located = leavesUnder(this.#topology, this.#devicesOf(device)).map((leaf) =>
      this.#locate(leaf),
    );
    this.#leaves.set(device, located);
    return located;
  }

  /** The source of a btrfs differs from mount to mount; the first that is known serves. */
  #devicesOf(device: DeviceNumber): readonly string[] {
    for (const mount of this.#superblocks.get(device)?.mounts ?? []) {
      const names = devicesOfMount(this.#topology, mount);
      if (names.length > 0) {
        return names;
      }
    }
    return [];
  }

  #locate(leaf: Leaf): LocatedLeaf {
    if (leaf.under.kind !== 'image') {
      return { kind: 'disk', leaf };
    }
    const { image } = leaf.under;
    const holder = holderOfImage(this.#topology, this.#tree, image, leaf.sizeBytes);
    return { kind: 'image', leaf, holder };
  }
}
