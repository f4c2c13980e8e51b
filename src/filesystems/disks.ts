import { type DiskIdentity, identifyDisk } from './azure-disks.ts';
import { type BlockDevice, type BlockTopology, type Leaf, leavesUnder } from './block-topology.ts';
import type { Disk, Exclusion } from './plan-types.ts';
import { compareText } from './superblocks.ts';

/** Memory, removable media and network devices have no page blob behind them; reading one may hang. */
const NO_DISK = /^(ram|zram|fd|sr|nbd|rbd|drbd)\d/;

/**
 * The whole disks that a blob may be behind although nothing on them is frozen: disks without a file system of
 * the plan, and loop devices that are mounted, or could be written to. (An image that another process serves
 * is left alone, because reading it may hang.)
 */
export function otherDisksOf(topology: BlockTopology, excluded: readonly Exclusion[]): Leaf[] {
  const { devices } = topology;
  const mounted = new Set(
    excluded.filter(({ isWritable }) => isWritable).flatMap(({ disks }) => disks),
  );
  return [...devices.values()].filter(
    (device) =>
      (isWholeDisk(device) && pathsTo(device.name, topology)[0] === device.name) ||
      (isLocalImage(device) && isInUse(device, mounted)),
  );
}

function isWholeDisk({ name, sizeBytes, under }: BlockDevice): boolean {
  return under.kind === 'nothing' && sizeBytes > 0 && !NO_DISK.test(name);
}

function isLocalImage({ under }: BlockDevice): boolean {
  return under.kind === 'image' && under.image.found !== undefined;
}

function isInUse({ name, under }: BlockDevice, mounted: ReadonlySet<string>): boolean {
  return mounted.has(name) || (under.kind === 'image' && under.image.isWritable);
}

export function toDisks(leaves: readonly Leaf[], topology: BlockTopology): Disk[] {
  return leaves.map((leaf) => diskOf(leaf, topology)).sort((a, b) => compareText(a.name, b.name));
}

/**
 * The node of a disk by its kernel name, in which a ! stands for a slash. A name that is a path is that of a device
 * which was not found.
 */
export function pathOfDisk(name: string): string {
  return name.startsWith('/') ? name : `/dev/${name.replaceAll('!', '/')}`;
}

export function diskOf(leaf: Leaf, topology: BlockTopology): Disk {
  const { name, sizeBytes, under } = leaf;
  const paths = pathsTo(name, topology);
  const hardware = under.kind === 'nothing' ? under.hardware : {};
  const swaps = swapsOn(name, topology);
  const arrays = arraysOn(name, topology);
  return {
    name,
    path: pathOfDisk(name),
    sizeBytes,
    ...identityOf(name, identifyDisk(hardware, topology.chassisAssetTag), topology),
    ...(isElsewhere(leaf) && { isElsewhere: true }),
    ...(paths.length > 1 && { paths }),
    ...(swaps.length > 0 && { swaps }),
    ...(arrays.length > 0 && { arrays }),
  };
}

function identityOf(
  name: string,
  shown: DiskIdentity,
  { azureLinks }: BlockTopology,
): DiskIdentity {
  return shown.role === undefined ? (azureLinks?.get(name) ?? shown) : shown;
}

/** Whether its content may lie on any disk of the machine; that of memory, removable media and the network does not. */
export function mayLieAnywhere({ name, isElsewhere }: Pick<Disk, 'name' | 'isElsewhere'>): boolean {
  return isElsewhere === true && !NO_DISK.test(name);
}

/** An image that is unlinked, or lies on a file system that is no longer mounted, counts too. */
function isElsewhere({ under }: Leaf): boolean {
  switch (under.kind) {
    case 'nothing':
      return under.hardware.hasDriver !== true;
    case 'image':
      return under.image.found === undefined;
    default:
      return false;
  }
}

/** Sorted: the first stands for the disk, as `leavesUnder` has it. */
function pathsTo(disk: string, { devices }: BlockTopology): readonly string[] {
  for (const { under } of devices.values()) {
    if (under.kind === 'one-of' && under.names.includes(disk)) {
      return [...under.names].sort(compareText);
    }
  }
  return [disk];
}

/** Of volumes above several disks it is not known which writes to the disk were theirs, so only partitions count. */
function swapsOn(disk: string, { swaps, devices }: BlockTopology): string[] {
  return [...(swaps ?? [])].filter((name) => {
    const under = devices.get(name)?.under;
    const isOnDisk =
      under?.kind === 'all-of' && under.names.length === 1 && under.names[0] === disk;
    return name === disk || (isOnDisk && !/^(dm-|md|bcache)/.test(name));
  });
}

/** `md127`, `md_d0`; md also makes devices with names of the administrator's: `md_home`. */
const ARRAY = /^md(\d|_)/;

function arraysOn(disk: string, topology: BlockTopology): string[] {
  const isOnDisk = (array: string): boolean =>
    leavesUnder(topology, [array]).some(({ name }) => name === disk);
  // A partition of an array is none of its own: what is written through it counts for the array, too.
  const isWhole = (name: string): boolean => ARRAY.test(name) && !/^md.*\dp\d+$/.test(name);
  return [...topology.devices.keys()].filter((name) => isWhole(name) && isOnDisk(name)).sort();
}
