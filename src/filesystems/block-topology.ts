import type { DeviceNumber } from '../system/device-number.ts';
import { type Mount, optionValue } from '../system/mountinfo.ts';
import type { DiskHardware, DiskIdentity } from './azure-disks.ts';

/** Name the kernel gives a block device, as in `/sys/class/block`: `sda1`, `dm-0`, `cciss!c0d0`. */
export type BlockDeviceName = string;

/** What sysfs shows of one block device. */
export interface BlockDevice {
  readonly name: BlockDeviceName;
  readonly number: DeviceNumber;
  readonly sizeBytes: number;
  readonly under: Underneath;
}

/** What a block device is made of. */
export type Underneath =
  /** Nothing that sysfs shows: this is a whole disk. */
  | { readonly kind: 'nothing'; readonly hardware: DiskHardware }
  /** A partition, or device mapper (LVM, crypt), md, bcache, a loop device over a block device. */
  | { readonly kind: 'all-of'; readonly names: readonly BlockDeviceName[] }
  /** dm-multipath: each of them is a path to the same disk. */
  | { readonly kind: 'one-of'; readonly names: readonly BlockDeviceName[] }
  /** A loop device. */
  | { readonly kind: 'image'; readonly image: BackingFile };

/** The file behind a loop device. */
export interface BackingFile {
  /**
   * As seen when it was opened: for a file of another mount namespace or of a mount that is gone,
   * this path leads elsewhere or nowhere here.
   */
  readonly path: string;
  /** It has been unlinked; the path is its last one. */
  readonly isDeleted: boolean;
  /** What the path leads to here and now. */
  readonly found: FoundFile | undefined;
  readonly offsetBytes: number;
  /** 0: up to the end of the file. */
  readonly sizeLimitBytes: number;
  /** The loop device can be written to. */
  readonly isWritable: boolean;
}

/** A regular file, as stat(2) shows it. */
export interface FoundFile {
  /** `st_dev`; on btrfs that of the subvolume, which is in no mountinfo. */
  readonly device: DeviceNumber;
  readonly sizeBytes: number;
}

/** A plain copy of what the machine shows of its block devices. */
export interface BlockTopology {
  readonly devices: ReadonlyMap<BlockDeviceName, BlockDevice>;
  readonly names: ReadonlyMap<DeviceNumber, BlockDeviceName>;
  /** Member devices of each btrfs file system. */
  readonly btrfs: readonly (readonly BlockDeviceName[])[];
  /** Missing if the kernel shows none. */
  readonly journals?: Journals;
  /** Block devices that the paths in mount sources and mount options lead to. */
  readonly nodes: ReadonlyMap<string, DeviceNumber>;
  /** Block devices that the machine swaps to. */
  readonly swaps?: ReadonlySet<BlockDeviceName>;
  /** What the links in `/dev/disk/azure` say, by kernel name; missing: there are none. */
  readonly azureLinks?: ReadonlyMap<BlockDeviceName, DiskIdentity>;
  /** SMBIOS chassis asset tag, by which an Azure VM is known. */
  readonly chassisAssetTag: string | undefined;
}

/**
 * Where ext3 and ext4 keep their journals. The kernel does not show whose journal an external one is, so
 * each counts for every file system that has none of its own.
 */
export interface Journals {
  /** File systems that keep their journal themselves, by the device they lie on. */
  readonly internal: ReadonlySet<BlockDeviceName>;
  /** Devices that are journals and nothing else. */
  readonly external: readonly BlockDeviceName[];
}

/**
 * @param names entries of `/proc/fs/jbd2`: `sda1-8` for a journal in inode 8 of the file system on sda1,
 * `sdb1` for one that has a device to itself
 * @param devices all that are known
 */
export function journalsOf(
  names: readonly string[],
  devices: ReadonlySet<BlockDeviceName>,
): Journals {
  // The name of a device may itself end so (dm-0): what is a device is no file system's inode.
  const external = names.filter((name) => devices.has(name));
  const holders = names
    .filter((name) => !devices.has(name))
    .map((name) => name.replace(/-\d+$/, ''));
  return { internal: new Set(holders), external };
}

/** A whole disk or a loop device: where the view of a machine ends. */
export type Leaf = Omit<BlockDevice, 'number'>;

/**
 * Whole disks and loop devices under some block devices, each once. One that sysfs named but did not
 * show (it came or went meanwhile) is a leaf of its own, so that the rest is not taken for all of it.
 */
export function leavesUnder({ devices }: BlockTopology, names: readonly BlockDeviceName[]): Leaf[] {
  const seen = new Set<BlockDeviceName>();
  const leaves: Leaf[] = [];
  const waiting = [...names];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (seen.has(name)) {
      continue;
    }
    seen.add(name);
    const device = devices.get(name) ?? notShown(name);
    const parts = partsOf(device);
    waiting.push(...parts);
    if (parts.length === 0) {
      leaves.push(device);
    }
  }
  return leaves;
}

/** Kernel names of the leaves under these devices, sorted. */
export function leafNamesUnder(
  topology: BlockTopology,
  names: readonly BlockDeviceName[],
): BlockDeviceName[] {
  return leavesUnder(topology, names)
    .map(({ name }) => name)
    .sort();
}

function notShown(name: BlockDeviceName): Leaf {
  return { name, sizeBytes: 0, under: { kind: 'nothing', hardware: {} } };
}

function partsOf({ under }: Leaf): readonly BlockDeviceName[] {
  switch (under.kind) {
    case 'all-of':
      return under.names;
    case 'one-of':
      return [...under.names].sort().slice(0, 1);
    case 'nothing':
    case 'image':
      return [];
  }
}

/**
 * Names of the block devices that a file system lies on directly; empty if none is known.
 *
 * - Most superblocks have the number of their block device.
 * - btrfs has an anonymous one, and any number of member devices: those that share the list with the
 *   one named as its source. `/sys/fs/btrfs/<uuid>/devices` is that list.
 * - xfs names further devices in its options: the external log and the realtime section, xfs(5). One that
 *   cannot be found keeps its path as its name, so that the rest is not taken for all of it.
 * - ext3 and ext4 may have an external journal, which no option shows: `Journals`.
 */
export function devicesOfMount(topology: BlockTopology, mount: Mount): BlockDeviceName[] {
  if (mount.type === 'btrfs') {
    return btrfsMembers(topology, mount.source);
  }
  const main = topology.names.get(mount.device);
  if (main === undefined) {
    return [];
  }
  const further = furtherDevicePaths(mount).map((path) => nameOfNode(topology, path) ?? path);
  return [main, ...further, ...journalDevices(topology, mount, main)];
}

function journalDevices(
  { journals }: BlockTopology,
  { type }: Mount,
  main: BlockDeviceName,
): readonly BlockDeviceName[] {
  const isJournaled = type === 'ext3' || type === 'ext4';
  const hasOwn = journals === undefined || journals.internal.has(main);
  return isJournaled && !hasOwn ? journals.external : [];
}

/** Paths of block devices that mountinfo names and whose numbers must be looked up. */
export function devicePathsOf(mount: Mount): string[] {
  const paths = mount.type === 'btrfs' ? [mount.source] : furtherDevicePaths(mount);
  return paths.filter((path) => path.startsWith('/dev/'));
}

function furtherDevicePaths({ type, superOptions }: Mount): string[] {
  const names = type === 'xfs' ? ['logdev', 'rtdev'] : [];
  return names.map((name) => optionValue(superOptions, name)).filter((path) => path !== undefined);
}

function btrfsMembers(topology: BlockTopology, source: string): BlockDeviceName[] {
  const name = nameOfNode(topology, source);
  if (name === undefined) {
    return [];
  }
  return [...(topology.btrfs.find((members) => members.includes(name)) ?? [name])];
}

function nameOfNode({ nodes, names, devices }: BlockTopology, path: string): string | undefined {
  const number = nodes.get(path);
  if (number !== undefined) {
    return names.get(number);
  }
  // Without a node in /dev (a container, a minimal chroot) the kernel's own name still says it.
  const name = path.slice('/dev/'.length).replaceAll('/', '!');
  return path.startsWith('/dev/') && devices.has(name) ? name : undefined;
}

/** Puts the indexes of a topology together. */
export function topologyOf(
  parts: Omit<BlockTopology, 'devices' | 'names'> & { readonly devices: readonly BlockDevice[] },
): BlockTopology {
  return {
    ...parts,
    devices: new Map(parts.devices.map((device) => [device.name, device])),
    names: new Map(parts.devices.map(({ number, name }) => [number, name])),
  };
}

/**
 * The nodes, and the source of a btrfs whose source leads to no device (the kernel shows /dev/root for a root file
 * system that it mounted itself): if that is the only such btrfs, and no other claims one of the kernel's lists of member
 * devices, the list is its own.
 */
export function withLostBtrfs(
  topology: BlockTopology,
  mounts: readonly Mount[],
): BlockTopology['nodes'] {
  const all = mounts.filter(({ type }) => type === 'btrfs');
  const found = new Map(
    all.flatMap(({ device, source }) => btrfsMembers(topology, source).map((it) => [it, device])),
  );
  const known = new Set(found.values());
  const lost = all.filter(({ device }) => !known.has(device));
  const unclaimed = topology.btrfs.filter((members) => !members.some((it) => found.has(it)));
  const [member] = unclaimed[0] ?? [];
  const number = member === undefined ? undefined : topology.devices.get(member)?.number;
  if (new Set(lost.map(({ device }) => device)).size !== 1 || unclaimed.length !== 1 || !number) {
    return topology.nodes;
  }
  return new Map([...topology.nodes, ...lost.map(({ source }) => [source, number] as const)]);
}
