import type { DeviceNumber } from '../../src/system/device-number.ts';
import { type TreeEntry, TreeSystem } from './tree-system.ts';

const GIB = 1024 ** 3;
const VMBUS = '/sys/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0004:00/VMBUS:00';
export const AZURE_TAG = '7783-7084-3265-9085-8269-3286-77';
export const GEN1_IDE_0 = '00000000-0000-8899-0000-000000000000';
export const GEN1_IDE_1 = '00000000-0001-8899-0000-000000000000';
export const OS_CONTROLLER = 'f8b3781a-1e82-4818-a1c3-63d806ec15bb';
export const DATA_CONTROLLER = 'f8b3781b-1e82-4818-a1c3-63d806ec15bb';
export const NVME_REMOTE = 'MSFT NVMe Accelerator v1.0';
export const NVME_LOCAL = 'Microsoft NVMe Direct Disk v2';

type Partitions = Readonly<Record<string, DeviceNumber>>;

interface Device {
  readonly name: string;
  readonly number: DeviceNumber;
  readonly gib?: number;
  readonly bytes?: number;
  readonly partitions?: Partitions;
}

/** Lays sysfs out as Linux does on a machine with the given devices. */
export class Machine {
  readonly #entries = new Map<string, TreeEntry>();
  #mountinfo = '';

  constructor({ tag = AZURE_TAG }: { readonly tag?: string | undefined } = {}) {
    if (tag !== undefined) {
      this.#text('/sys/class/dmi/id/chassis_asset_tag', tag);
    }
  }

  /** Data disks of 10 GiB with these names, which begin at sdc, on LUN 0, 1, … */
  dataDisks(...names: readonly string[]): this {
    for (const [lun, name] of names.entries()) {
      const number: DeviceNumber = `8:${32 + 16 * lun}`;
      this.scsi({ name, number, gib: 10, controller: DATA_CONTROLLER, address: `1:0:0:${lun}` });
    }
    return this;
  }

  /** A disk on Hyper-V's SCSI or IDE bus; `address` is `host:channel:target:lun`. */
  scsi(disk: Device & { readonly controller: string; readonly address: string }): this {
    const [host, channel, target] = disk.address.split(':');
    const bus = `${VMBUS}/${disk.controller}`;
    const device = `${bus}/host${host}/target${host}:${channel}:${target}/${disk.address}`;
    this.#text(`${bus}/device_id`, `{${disk.controller}}`);
    this.#text(`${device}/model`, 'Virtual Disk    ');
    return this.#block(`${device}/block`, disk, device);
  }

  /** A namespace; `controller` is e.g. `nvme0`. */
  nvme(
    disk: Device & {
      readonly controller: string;
      readonly model: string;
      readonly namespaceId: number;
    },
  ): this {
    const bus = `${VMBUS}/80c97e1e-15c4-4c6d-93d1-e38402047b8d`;
    const device = `${bus}/pci15c4:00/15c4:00:00.0/nvme/${disk.controller}`;
    this.#text(`${bus}/device_id`, '{80c97e1e-15c4-4c6d-93d1-e38402047b8d}');
    return this.#namespace(device, disk);
  }

  /** A namespace under native multipath; its paths are hidden devices without a number. */
  nvmeMultipath(
    disk: Device & {
      readonly subsystem: string;
      readonly model: string;
      readonly namespaceId: number;
    },
  ): this {
    return this.#namespace(`/sys/devices/virtual/nvme-subsystem/${disk.subsystem}`, disk);
  }

  #namespace(
    device: string,
    disk: Device & { readonly model: string; readonly namespaceId: number },
  ): this {
    this.#text(`${device}/model`, disk.model.padEnd(40));
    this.#text(`${device}/${disk.name}/nsid`, String(disk.namespaceId));
    return this.#block(device, disk, device);
  }

  virtio(disk: Device): this {
    const device = '/sys/devices/pci0000:00/0000:00:02.0/virtio1';
    return this.#block(`${device}/block`, disk, device);
  }

  /** A virtual disk with nothing under it: zram, nbd. */
  virtual(disk: Device): this {
    return this.#block('/sys/devices/virtual/block', disk);
  }

  /** dm, md, bcache: `on` are the names of what lies under it. */
  stacked(
    disk: Device & {
      readonly on: readonly string[];
      readonly dmUuid?: string;
      readonly dmName?: string;
      /** Of md. */
      readonly syncAction?: string;
      /** Further files of md, by their names. */
      readonly md?: Readonly<Record<string, string>>;
    },
  ): this {
    const directory = `/sys/devices/virtual/block/${disk.name}`;
    for (const name of disk.on) {
      this.#entries.set(`${directory}/slaves/${name}`, { kind: 'present' });
    }
    if (disk.dmUuid !== undefined) {
      this.#text(`${directory}/dm/uuid`, disk.dmUuid);
    }
    if (disk.dmName !== undefined) {
      this.#text(`${directory}/dm/name`, disk.dmName);
    }
    if (disk.syncAction !== undefined) {
      this.#text(`${directory}/md/sync_action`, disk.syncAction);
    }
    for (const [name, text] of Object.entries(disk.md ?? {})) {
      this.#text(`${directory}/md/${name}`, text);
    }
    return this.virtual(disk);
  }

  /** An attached loop device. */
  loop(
    disk: Device & {
      readonly image: string;
      readonly offset?: number;
      readonly isWritable?: boolean;
    },
  ): this {
    if (disk.isWritable !== undefined) {
      const path = `/sys/devices/virtual/block/${disk.name}/ro`;
      this.#text(path, disk.isWritable ? '0' : '1');
    }
    const loop = `/sys/devices/virtual/block/${disk.name}/loop`;
    this.#text(`${loop}/backing_file`, disk.image);
    this.#text(`${loop}/offset`, String(disk.offset ?? 0));
    this.#text(`${loop}/sizelimit`, '0');
    return this.virtual(disk);
  }

  /** A regular file, e.g. an image. */
  file(path: string, device: DeviceNumber, size: { gib: number } | { bytes: number }): this {
    const sizeBytes = 'gib' in size ? size.gib * GIB : size.bytes;
    this.#entries.set(path, { kind: 'file', device, sizeBytes });
    return this;
  }

  btrfs(uuid: string, ...members: readonly string[]): this {
    for (const member of members) {
      this.#entries.set(`/sys/fs/btrfs/${uuid}/devices/${member}`, { kind: 'present' });
    }
    return this;
  }

  /** Entries of /sys/fs/<type>: devices with a superblock of that type, and other names. */
  superblocks(type: string, ...names: readonly string[]): this {
    for (const name of names) {
      this.#entries.set(`/sys/fs/${type}/${name}`, { kind: 'present' });
    }
    return this;
  }

  /** The first lines of /proc/fs/ext4/<name>/options. */
  ext4Options(name: string, ...lines: readonly string[]): this {
    this.#text(`/proc/fs/ext4/${name}/options`, lines.join('\n'));
    return this;
  }

  /** Entries of /proc/fs/jbd2. */
  journals(...names: readonly string[]): this {
    for (const name of names) {
      this.#entries.set(`/proc/fs/jbd2/${name}`, { kind: 'present' });
    }
    return this;
  }

  /** Lines of /proc/swaps below its heading. */
  swaps(...lines: readonly string[]): this {
    this.#text('/proc/swaps', ['Filename Type Size Used Priority', ...lines].join('\n'));
    return this;
  }

  /** A device node, or the symbolic links udev and LVM make. */
  node(path: string, number: DeviceNumber): this {
    this.#entries.set(path, { kind: 'block', number });
    return this;
  }

  /** Lines of mountinfo; indentation and empty lines are dropped. */
  mounts(lines: string): this {
    this.#mountinfo += lines.replace(/^\s+/gm, '').replace(/\n*$/, '\n');
    return this;
  }

  build(): TreeSystem {
    return new TreeSystem(this.#entries, this.#mountinfo);
  }

  #block(parent: string, device: Device, hardware?: string): this {
    const directory = `${parent}/${device.name}`;
    if (hardware !== undefined) {
      this.#entries.set(`${directory}/device`, { kind: 'link', target: hardware });
    }
    this.#numbered(directory, device.number, device.bytes ?? (device.gib ?? 1) * GIB);
    for (const [name, number] of Object.entries(device.partitions ?? {})) {
      this.#text(`${directory}/${name}/partition`, name.replace(/^.*\D/, ''));
      this.#numbered(`${directory}/${name}`, number, GIB);
    }
    return this;
  }

  #numbered(directory: string, number: DeviceNumber, bytes: number): void {
    this.#text(`${directory}/size`, String(Math.floor(bytes / 512)));
    this.#entries.set(`/sys/dev/block/${number}`, { kind: 'link', target: directory });
  }

  #text(path: string, text: string): void {
    this.#entries.set(path, { kind: 'text', text });
  }
}
