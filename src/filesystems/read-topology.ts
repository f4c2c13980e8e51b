import { basename, dirname } from 'node:path/posix';
import type { Mount } from '../system/mountinfo.ts';
import { type DiskHardware, readAzureLinks } from './azure-disks.ts';
import {
  type BackingFile,
  type BlockDevice,
  type BlockDeviceName,
  type BlockTopology,
  devicePathsOf,
  journalsOf,
  topologyOf,
  type Underneath,
  withLostBtrfs,
} from './block-topology.ts';
import { natureOfType } from './file-system-types.ts';
import { mountHolding } from './image-holder.ts';
import type { MountTree } from './mount-tree.ts';
import type { SystemView } from './system-view.ts';

const SECTOR_BYTES = 512;
const DELETED = ' (deleted)';
const SCSI_ADDRESS = /^\d+:\d+:\d+:\d+$/;

/**
 * Reads every block device of the machine out of sysfs: a dozen small reads for each, none of which
 * waits for a device. The only paths outside sysfs that are looked at are nodes and links in `/dev` and
 * backing files on local file systems, so a dead network mount cannot stop it.
 */
export function readTopology(
  system: SystemView,
  mounts: readonly Mount[],
  tree: MountTree,
): BlockTopology {
  const devices = (system.list('/sys/dev/block') ?? [])
    .map((number) => readDevice(system, tree, number))
    .filter((device) => device !== undefined);
  const topology = topologyOf({
    devices,
    journals: journalsOf(
      system.list('/proc/fs/jbd2') ?? [],
      new Set(devices.map(({ name }) => name)),
    ),
    btrfs: readBtrfsMembers(system),
    nodes: new Map(
      [...new Set(mounts.flatMap(devicePathsOf))].flatMap((path) => {
        const node = system.inspect(path);
        return node?.kind === 'block' ? [[path, node.number] as const] : [];
      }),
    ),
    swaps: readSwaps(system),
    azureLinks: readAzureLinks(system),
    chassisAssetTag: system.read('/sys/class/dmi/id/chassis_asset_tag'),
  });
  return { ...topology, nodes: withLostBtrfs(topology, mounts) };
}

/** Partitions and whole devices of `/proc/swaps`, proc_swaps(5); swap files are none. */
function readSwaps(system: SystemView): ReadonlySet<BlockDeviceName> {
  const lines = (system.read('/proc/swaps') ?? '').split('\n').slice(1);
  const names = lines.flatMap((line) => {
    const [path = '', type] = line.split(/\s+/);
    return type === 'partition' ? [basename(system.resolve(path) ?? path)] : [];
  });
  return new Set(names);
}

function readDevice(system: SystemView, tree: MountTree, number: string): BlockDevice | undefined {
  const directory = system.resolve(`/sys/dev/block/${number}`);
  if (directory === undefined) {
    return undefined;
  }
  return {
    name: basename(directory),
    number,
    sizeBytes: SECTOR_BYTES * readNumber(system, `${directory}/size`),
    under: readUnderneath(system, tree, directory),
  };
}

function readUnderneath(system: SystemView, tree: MountTree, directory: string): Underneath {
  if (system.read(`${directory}/partition`) !== undefined) {
    return { kind: 'all-of', names: [basename(dirname(directory))] };
  }
  const slaves = system.list(`${directory}/slaves`) ?? [];
  if (slaves.length > 0) {
    const isMultipath = system.read(`${directory}/dm/uuid`)?.startsWith('mpath-') ?? false;
    return { kind: isMultipath ? 'one-of' : 'all-of', names: slaves };
  }
  const backingPath = system.read(`${directory}/loop/backing_file`) ?? '';
  // Empty while the loop device is being detached.
  return backingPath === ''
    ? { kind: 'nothing', hardware: readHardware(system, directory) }
    : readImage(system, tree, directory, backingPath);
}

function readImage(
  system: SystemView,
  tree: MountTree,
  directory: string,
  backingPath: string,
): Underneath {
  const isDeleted = backingPath.endsWith(DELETED);
  const path = isDeleted ? backingPath.slice(0, -DELETED.length) : backingPath;
  const found = isDeleted || !canInspect(tree, path) ? undefined : system.inspect(path);
  if (found?.kind === 'block') {
    const name = nameOfNumber(system, found.number);
    return { kind: 'all-of', names: name === undefined ? [] : [name] };
  }
  const image: BackingFile = {
    path,
    isDeleted,
    found,
    offsetBytes: readNumber(system, `${directory}/loop/offset`),
    sizeLimitBytes: readNumber(system, `${directory}/loop/sizelimit`),
    isWritable: system.read(`${directory}/ro`) === '0',
  };
  return { kind: 'image', image };
}

/**
 * Whether looking at a file cannot block: only this machine's own disks or memory answer for it, nor for a
 * directory on the way to it.
 */
function canInspect(tree: MountTree, path: string): boolean {
  const mount = mountHolding(tree, path);
  const nature = mount === undefined ? undefined : natureOfType(mount.type);
  const isOwn = nature === 'freezable' || nature === 'memory' || nature === 'other';
  return isOwn && leadsThroughOwn(tree, path);
}

function leadsThroughOwn(tree: MountTree, path: string): boolean {
  for (let directory = path; ; directory = dirname(directory)) {
    const mount = tree.mountAt(directory);
    const nature = mount && natureOfType(mount.type);
    if (nature === 'network' || nature === 'served') {
      return false;
    }
    if (directory === '/' || directory === '.') {
      return true;
    }
  }
}

function nameOfNumber(system: SystemView, number: string): BlockDeviceName | undefined {
  const directory = system.resolve(`/sys/dev/block/${number}`);
  return directory === undefined ? undefined : basename(directory);
}

/**
 * `device` leads to the SCSI device, the NVMe controller or (native multipath) the NVMe subsystem;
 * all of them have a `model`.
 */
function readHardware(system: SystemView, directory: string): DiskHardware {
  const device = system.resolve(`${directory}/device`);
  if (device === undefined) {
    return {};
  }
  const address = basename(device);
  const model = system.read(`${device}/model`)?.trim();
  const namespaceId = Number(system.read(`${directory}/nsid`));
  const vmbusDeviceId = readVmbusDeviceId(system, device);
  return {
    hasDriver: true,
    ...(SCSI_ADDRESS.test(address) && { scsiAddress: address }),
    ...(model && { model }),
    ...(namespaceId > 0 && { nvmeNamespaceId: namespaceId }),
    ...(vmbusDeviceId && { vmbusDeviceId }),
  };
}

function readVmbusDeviceId(system: SystemView, device: string): string | undefined {
  for (let directory = device; directory.startsWith('/sys/devices/'); ) {
    const id = system.read(`${directory}/device_id`);
    if (id !== undefined) {
      return id.replace(/[{}]/g, '').toLowerCase();
    }
    directory = dirname(directory);
  }
  return undefined;
}

function readBtrfsMembers(system: SystemView): (readonly BlockDeviceName[])[] {
  return (system.list('/sys/fs/btrfs') ?? [])
    .map((uuid) => system.list(`/sys/fs/btrfs/${uuid}/devices`))
    .filter((members) => members !== undefined);
}

function readNumber(system: SystemView, file: string): number {
  const number = Number(system.read(file));
  return Number.isFinite(number) ? number : 0;
}
