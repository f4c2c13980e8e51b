import { basename } from 'node:path/posix';
import type { DeviceNumber } from '../system/device-number.ts';
import { type SystemView, thisMachine } from './system-view.ts';

/** How a file system names itself in its superblock. */
export interface FileSystemName {
  readonly uuid: string | undefined;
  readonly label: string | undefined;
}

/** What the machine shows, without a read of any disk, of the names of file systems and volumes. */
export interface StorageNames {
  /** @param source what was mounted: the only trace of a btrfs, whose device number is not that of a block device */
  fileSystem(device: DeviceNumber, source: string): FileSystemName;
  /** What of LVM and md lies on a disk, e.g. `lvm data/pg` or `md md0`, sorted. */
  volumesOn(disk: string): string[];
  /** Kernel name of a block device; undefined if the number is none. */
  nameOf(device: DeviceNumber): string | undefined;
}

/** Do not call it while anything is frozen. */
export function readStorageNames(system: SystemView = thisMachine): StorageNames {
  const uuids = linksIn(system, '/dev/disk/by-uuid');
  const labels = linksIn(system, '/dev/disk/by-label');
  const btrfs = readBtrfsNames(system);
  const nameOf = (device: DeviceNumber): string | undefined => {
    const directory = system.resolve(`/sys/dev/block/${device}`);
    return directory === undefined ? undefined : basename(directory);
  };
  return {
    nameOf,
    fileSystem: (device, source) => {
      const name = nameOf(device) ?? basename(system.resolve(source) ?? source);
      return btrfs.get(name) ?? { uuid: uuids.get(name), label: labels.get(name) };
    },
    volumesOn: (disk) => volumesOn(system, disk),
  };
}

/** The names of udev's links, by the kernel name of the device that each leads to. */
function linksIn(system: SystemView, directory: string): Map<string, string> {
  return new Map(
    (system.list(directory) ?? []).flatMap((name): [string, string][] => {
      const device = system.resolve(`${directory}/${name}`);
      return device === undefined ? [] : [[basename(device), unescaped(name)]];
    }),
  );
}

/** udev writes a byte that it permits in no name as `\x20`. */
function unescaped(name: string): string {
  const bytes = Buffer.from(name).toString('latin1');
  const plain = bytes.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(plain, 'latin1').toString('utf8');
}

/** By the kernel name of each member: a link in /dev leads to one of them only. */
function readBtrfsNames(system: SystemView): Map<string, FileSystemName> {
  const names = new Map<string, FileSystemName>();
  for (const uuid of system.list('/sys/fs/btrfs') ?? []) {
    const directory = `/sys/fs/btrfs/${uuid}`;
    const label = system.read(`${directory}/label`);
    for (const member of system.list(`${directory}/devices`) ?? []) {
      names.set(member, { uuid, label: label === '' ? undefined : label });
    }
  }
  return names;
}

function volumesOn(system: SystemView, disk: string): string[] {
  const seen = new Set<string>();
  const found = new Set<string>();
  const waiting = [disk];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (seen.has(name)) {
      continue;
    }
    seen.add(name);
    const directory = `/sys/class/block/${name}`;
    const volume = volumeOf(system, name, directory);
    if (volume !== undefined) {
      found.add(volume);
    }
    const entries = system.list(directory) ?? [];
    const isPartition = (it: string): boolean =>
      it.startsWith(name) && system.read(`${directory}/${it}/partition`) !== undefined;
    waiting.push(...entries.filter(isPartition), ...(system.list(`${directory}/holders`) ?? []));
  }
  return [...found].sort();
}

function volumeOf(system: SystemView, name: string, directory: string): string | undefined {
  if (/^md\d|^md_/.test(name)) {
    return `md ${name}`;
  }
  const isLvm = system.read(`${directory}/dm/uuid`)?.startsWith('LVM-') ?? false;
  const mapped = system.read(`${directory}/dm/name`);
  return isLvm && mapped !== undefined ? `lvm ${lvmName(mapped)}` : undefined;
}

/** Device mapper joins group and volume by a hyphen, and doubles those in either. */
function lvmName(mapped: string): string {
  return mapped.replace(/(?<!-)-(?!-)/, '/').replaceAll('--', '-');
}
