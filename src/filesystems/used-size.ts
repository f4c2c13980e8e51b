import { dirname } from 'node:path/posix';
import type { Mount } from '../system/mountinfo.ts';
import { identifyDisk } from './azure-disks.ts';
import type { BlockTopology, Leaf } from './block-topology.ts';
import { natureOfType } from './file-system-types.ts';
import { MountTree } from './mount-tree.ts';
import { OS_DISK_LUN } from './plan-types.ts';
import { readMounts } from './read-plan.ts';
import { readTopology } from './read-topology.ts';
import { readUsedBytes } from './statfs.ts';
import { type IsPlanned, StorageFinder } from './storage.ts';
import { compareText, type Superblock, superblocksOf } from './superblocks.ts';
import { type SystemView, thisMachine } from './system-view.ts';

/** Used space of the machine's file systems (status.md, storageDetails and telemetryData). */
export interface UsedSpace {
  /** File systems that were counted. */
  readonly partitionCount: number;
  readonly totalUsedSizeInBytes: number;
  /** True if the total lacks a file system that did not answer or cannot be reached. */
  readonly isSizeComputationFailed: boolean;
  readonly figures: SizeFigures;
}

/** What stands beside the total; only `scsiDisksBytes` is part of it. */
export interface SizeFigures {
  readonly ramDisksBytes: number;
  readonly temporaryDisksBytes: number;
  readonly loopDevicesBytes: number;
  /** On disks that the kernel names `sd…`. */
  readonly scsiDisksBytes: number;
  /** Types of network mounts, which are never asked, each once. */
  readonly networkTypes: readonly string[];
  /** Types without a known block device that are not pseudo file systems of the kernel. */
  readonly unknownTypes: readonly string[];
}

/** A file system to ask, and what its used space counts as. */
export interface Measurable {
  /** Undefined if no path leads there without passing a network mount or another file system. */
  readonly mountPoint: string | undefined;
  readonly kind: 'counted' | 'temporary' | 'loop' | 'ram';
  readonly isOnScsi: boolean;
}

export interface Measurements {
  readonly measurables: readonly Measurable[];
  readonly networkTypes: readonly string[];
  readonly unknownTypes: readonly string[];
}

/** Which file systems count. */
export interface SizeScope {
  /** The task's list, −1 for the OS disk; undefined or empty: all disks. */
  readonly luns?: readonly number[] | undefined;
  /** The root file system alone counts: the task backs up nothing but the OS disk (settings.md, customSettings). */
  readonly isRootOnly?: boolean;
}

/** Used bytes for each path; undefined if there was no answer in time. */
export type UsedBytesReader = (
  mountPoints: readonly string[],
) => Promise<readonly (number | undefined)[]>;

const TIB = 1024 ** 4;
const RAM_DISK = /^z?ram\d/;
/** Removable and network block devices: nothing of theirs is in a snapshot, and asking may hang. */
const NO_DISK = /^(fd|sr|nbd|rbd|drbd)\d/;
/** Show what lies elsewhere. */
const STACKED = new Set(['overlay', 'overlayfs', 'aufs', 'ecryptfs', 'unionfs']);

/**
 * Measures the used space of the file systems on included disks. Bounded in time; network mounts and
 * what lies below them are never touched. Rejects only if mountinfo cannot be read.
 */
export async function measureUsedSpace(
  scope: SizeScope = {},
  system: SystemView = thisMachine,
  readBytes: UsedBytesReader = readUsedBytes,
): Promise<UsedSpace> {
  const { mounts } = await readMounts(system);
  const topology = readTopology(system, mounts, new MountTree(mounts));
  const measurements = whatToMeasure(mounts, topology, scope);
  const paths = measurements.measurables.flatMap(({ mountPoint }) => mountPoint ?? []);
  const answers = await readBytes(paths);
  const usedBytes = new Map(paths.map((path, index) => [path, answers[index]]));
  return sumUp(measurements, usedBytes, scope.luns);
}

/**
 * Which file systems are asked, each superblock once. Counted are those on whole disks, frozen or
 * not, whatever their type; not those in an image on one that is measured itself, on temporary
 * disks, on disks known to be outside the list of LUNs, or outside the root file system if that alone counts. Pure.
 */
export function whatToMeasure(
  mounts: readonly Mount[],
  topology: BlockTopology,
  { luns, isRootOnly = false }: SizeScope = {},
): Measurements {
  const tree = new MountTree(mounts);
  const superblocks = superblocksOf(mounts, tree);
  const finder = new StorageFinder(topology, tree, superblocks);
  const own = superblocks.filter(({ device, mounts: [first] }) => {
    const nature = natureOfType(first.type);
    return nature === 'freezable' || (nature === 'other' && finder.hasDevices(device));
  });
  const devices = new Set(own.map(({ device }) => device));
  const isMeasured: IsPlanned = (device) => devices.has(device);
  const measurables = own.flatMap((superblock) => {
    const disks = finder.disksUnder(superblock.device, isMeasured);
    const isHeld = finder.holdersUnder(superblock.device, isMeasured).planned.length > 0;
    const kind = isHeld ? 'loop' : kindOf(disks, topology, luns);
    const isOnScsi = disks.some(({ name }) => name.startsWith('sd'));
    const isLeftOut = isRootOnly && kind === 'counted' && !isRoot(superblock);
    return kind === undefined || isLeftOut
      ? []
      : [{ mountPoint: reachable(superblock, tree), kind, isOnScsi }];
  });
  const others = superblocks.filter(({ device }) => !devices.has(device));
  return {
    measurables,
    networkTypes: typesOf(others, isNetwork),
    unknownTypes: typesOf(others, (type) => natureOfType(type) === 'other' && !STACKED.has(type)),
  };
}

function isRoot({ visible }: Superblock): boolean {
  return visible.some(({ mountPoint }) => mountPoint === '/');
}

function isNetwork(type: string): boolean {
  return natureOfType(type) === 'network' || type === 'fuse.glusterfs';
}

/** Undefined if it is neither counted nor told of. */
function kindOf(
  disks: readonly Leaf[],
  topology: BlockTopology,
  luns: readonly number[] = [],
): Measurable['kind'] | undefined {
  if (disks.some(({ name }) => NO_DISK.test(name))) {
    return undefined;
  }
  if (disks.length === 0) {
    // ext4 and its like lie on some disk, even if sysfs does not show which.
    return 'counted';
  }
  if (disks.every(({ name }) => RAM_DISK.test(name))) {
    return 'ram';
  }
  const identities = disks.map(({ under }) =>
    identifyDisk(under.kind === 'nothing' ? under.hardware : {}, topology.chassisAssetTag),
  );
  if (identities.every(({ role }) => role === 'temporary')) {
    return 'temporary';
  }
  // A disk that does not show its LUN may be any of them.
  const mayBeIncluded = identities.some(({ role, lun }) => {
    const listed = role === 'os' ? OS_DISK_LUN : lun;
    return luns.length === 0 || listed === undefined || luns.includes(listed);
  });
  return mayBeIncluded ? 'counted' : undefined;
}

/** The best mount point of it that can be walked to without anybody else's help. */
function reachable({ visible }: Superblock, tree: MountTree): string | undefined {
  return visible.find(({ mountPoint }) => isSafePath(mountPoint, tree))?.mountPoint;
}

/** A path walk asks the server of a network mount for each name, and a dead one does not answer. */
function isSafePath(path: string, tree: MountTree): boolean {
  const type = tree.mountAt(path)?.type;
  const nature = type === undefined ? 'other' : natureOfType(type);
  const isSafe = nature !== 'network' && nature !== 'served';
  return isSafe && (path === '/' || isSafePath(dirname(path), tree));
}

function typesOf(superblocks: readonly Superblock[], isMeant: (type: string) => boolean): string[] {
  const types = superblocks.map(({ mounts: [first] }) => first.type).filter(isMeant);
  return [...new Set(types)].sort(compareText);
}

/** Puts the answers together, and caps the total at 1 TiB for each included LUN (status.md). Pure. */
export function sumUp(
  { measurables, networkTypes, unknownTypes }: Measurements,
  usedBytes: ReadonlyMap<string, number | undefined>,
  luns: readonly number[] = [],
): UsedSpace {
  const usedOf = ({ mountPoint }: Measurable): number | undefined =>
    usedBytes.get(mountPoint ?? '');
  const sum = (isMeant: (measurable: Measurable) => boolean): number =>
    measurables.filter(isMeant).reduce((total, each) => total + (usedOf(each) ?? 0), 0);
  const counted = measurables.filter(({ kind }) => kind === 'counted');
  const capBytes = luns.length === 0 ? Number.POSITIVE_INFINITY : luns.length * TIB;
  return {
    partitionCount: counted.length,
    totalUsedSizeInBytes: Math.min(
      capBytes,
      sum(({ kind }) => kind === 'counted'),
    ),
    isSizeComputationFailed: counted.some((each) => usedOf(each) === undefined),
    figures: {
      ramDisksBytes: sum(({ kind }) => kind === 'ram'),
      temporaryDisksBytes: sum(({ kind }) => kind === 'temporary'),
      loopDevicesBytes: sum(({ kind }) => kind === 'loop'),
      scsiDisksBytes: sum(({ kind, isOnScsi }) => kind === 'counted' && isOnScsi),
      networkTypes,
      unknownTypes,
    },
  };
}
