import type { DebianArchitecture } from '../debian.ts';
import type { MachineFileSystem } from '../machine.ts';
import {
  type DiskPort,
  disksOf,
  NVME_MODELS,
  type NvmeController,
  OS_SNAPSHOT_NAME,
  type QemuDisk,
  type QemuMachine,
} from './machine.ts';

/** A folder of the host that the machine mounts by its tag. */
export interface SharedFolder {
  readonly tag: string;
  readonly path: string;
}

export interface QemuOrder {
  readonly machine: QemuMachine;
  readonly stage: string;
  /** Folder with vmlinuz and initrd. */
  readonly kernel: string;
  /** Of the machine's disks in the order of `disksOf`; if there is one more, it is the snapshot of the OS disk. */
  readonly images: readonly string[];
  readonly tap: string;
  readonly consolePath: string;
  readonly controlPath: string;
  /** Socket of the daemon behind each shared folder, by its tag. */
  readonly shares: ReadonlyMap<string, string>;
}

const BOARDS = {
  amd64: { board: 'q35,hpet=off', processor: 'Nehalem', terminal: 'ttyS0' },
  arm64: { board: 'virt,gic-version=3', processor: 'cortex-a72', terminal: 'ttyAMA0' },
} as const satisfies Record<DebianArchitecture, object>;
const MEMORY = '1536M';
/** SMBIOS: the chassis asset tag by which Azure is known. */
const AZURE_CHASSIS = [
  ...['-smbios', 'type=3,asset=7783-7084-3265-9085-8269-3286-77'],
  ...['-smbios', 'type=1,manufacturer=Microsoft Corporation,product=Virtual Machine'],
];
/** LUN of the OS disk's snapshot on the last SCSI controller: none of a data disk. */
const SNAPSHOT_LUN = 200;

/** Pure. */
export function qemuArguments(order: QemuOrder): string[] {
  const { kernel, machine, stage, consolePath, controlPath, tap } = order;
  const { board, processor, terminal } = BOARDS[machine.architecture];
  return [
    ...['-machine', `${board},memory-backend=memory`, '-cpu', processor, '-smp', '2'],
    ...['-accel', 'tcg,thread=multi', '-m', MEMORY],
    // Daemons of shared folders look into the machine's memory.
    ...['-object', `memory-backend-memfd,id=memory,size=${MEMORY},share=on`],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-S'],
    ...['-chardev', `file,id=console,path=${consolePath},append=on`, '-serial', 'chardev:console'],
    ...['-qmp', `unix:${controlPath},server=on,wait=off`],
    ...['-netdev', `tap,id=net,ifname=${tap},script=no,downscript=no`],
    ...['-device', 'virtio-net-pci,netdev=net,romfile=', '-device', 'virtio-rng-pci'],
    ...(machine.chassis.kind === 'azure' ? AZURE_CHASSIS : []),
    ...['-kernel', `${kernel}/vmlinuz`, '-initrd', `${kernel}/initrd`, '-append'],
    `console=${terminal} quiet panic=-1 net.ifnames=0 ff.stage=${stage} ff.machine=${machine.name}`,
    ...[...order.shares].flatMap(([tag, socket]) => [
      ...['-chardev', `socket,id=share-${tag},path=${socket}`],
      ...['-device', `vhost-user-fs-pci,chardev=share-${tag},tag=${tag}`],
    ]),
    ...diskArguments(attachedDisks(order)),
  ];
}

interface AttachedDisk extends QemuDisk {
  readonly image: string;
}

function attachedDisks({ machine, images }: QemuOrder): AttachedDisk[] {
  const disks = disksOf(machine);
  return images.map((image, index) => ({ ...(disks[index] ?? snapshotDisk(disks)), image }));
}

function snapshotDisk(disks: readonly QemuDisk[]): QemuDisk {
  const ports = disks.flatMap(portsOf);
  const controller = Math.max(0, ...ports.map((it) => (it.bus === 'scsi' ? it.controller : 0)));
  return {
    ...{ name: OS_SNAPSHOT_NAME, megabytes: 0 },
    port: { bus: 'scsi', controller, lun: SNAPSHOT_LUN },
  };
}

function portsOf({ port, morePorts = [] }: QemuDisk): readonly DiskPort[] {
  return [port, ...morePorts];
}

function diskArguments(disks: readonly AttachedDisk[]): string[] {
  const ports = disks.flatMap(portsOf);
  const scsi = new Set(ports.flatMap((it) => (it.bus === 'scsi' ? [it.controller] : [])));
  const nvme = new Set(ports.flatMap((it) => (it.bus === 'nvme' ? [it.controller] : [])));
  return [
    ...[...scsi]
      .sort((a, b) => a - b)
      .flatMap((it) => ['-device', `virtio-scsi-pci,id=scsi${it},num_queues=2`]),
    ...[...nvme].flatMap((it) => ['-device', `nvme,id=${it},serial=${it}`]),
    ...disks.flatMap((disk) => {
      const isShared = disk.morePorts !== undefined;
      return portsOf(disk).flatMap((port, path) => [
        '-drive',
        [
          `id=${disk.name}-${path},file=${disk.image},if=none,format=raw,cache=unsafe,discard=unmap`,
          `node-name=${formatNode(disk.name, path)},file.node-name=${fileNode(disk.name, path)}`,
          // A disk that fails says so to the machine, and does not stop it.
          'werror=report,rerror=report',
          ...(isShared ? ['file.locking=off'] : []),
        ].join(','),
        ...['-device', deviceOf(disk.name, port, path, isShared)],
      ]);
    }),
  ];
}

/** What a device reads and writes, in QEMU's own graph of blocks; below it, the image. Pure. */
export function formatNode(disk: string, path: number): string {
  return `format-${disk}-${path}`;
}

/** Pure. */
export function fileNode(disk: string, path: number): string {
  return `file-${disk}-${path}`;
}

function deviceOf(name: string, port: DiskPort, path: number, isShared: boolean): string {
  const drive = `drive=${name}-${path},id=disk-${name}-${path}`;
  switch (port.bus) {
    case 'scsi':
      return [
        `scsi-hd,${drive},bus=scsi${port.controller}.0,channel=0,scsi-id=0,lun=${port.lun}`,
        `serial=${name}`,
        ...(isShared ? ['share-rw=on'] : []),
      ].join(',');
    case 'nvme':
      return `nvme-ns,${drive},bus=${port.controller},nsid=${port.namespace}`;
  }
}

/** Links of udev by the disks' own names, and the property LAB_DISK on every path to a disk. Pure. */
export function diskRules(machine: QemuMachine): string {
  const named = (condition: string, name: string): string =>
    `SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", ${condition}, ENV{LAB_DISK}="${name}", SYMLINK+="disk/lab/${name}"\n`;
  const disks = [...disksOf(machine), snapshotDisk(disksOf(machine))];
  return [
    ...disks.flatMap((disk) =>
      portsOf(disk).map((port) => named(conditionOf(disk.name, port), disk.name)),
    ),
    'SUBSYSTEM=="block", ENV{DEVTYPE}=="partition", IMPORT{parent}="LAB_DISK"\n',
    // In a rule of its own: udev compares before it imports.
    'ENV{DEVTYPE}=="partition", ENV{LAB_DISK}=="?*", SYMLINK+="disk/lab/$env{LAB_DISK}-part%n"\n',
  ].join('');
}

function conditionOf(name: string, port: DiskPort): string {
  return port.bus === 'scsi'
    ? `ENV{ID_SCSI_SERIAL}=="${name}"`
    : `KERNEL=="nvme*", ATTR{nsid}=="${port.namespace}", ATTRS{serial}=="${port.controller}*"`;
}

/** Models of the NVMe controllers by their serial numbers; none if there are none. Pure. */
export function nvmeModels(machine: QemuMachine): ReadonlyMap<string, string> {
  const controllers = disksOf(machine)
    .flatMap(portsOf)
    .flatMap((it): NvmeController[] => (it.bus === 'nvme' ? [it.controller] : []));
  return new Map(controllers.map((it) => [it, NVME_MODELS[it]]));
}

/** The root file system, as the second boot sees the snapshot of its disk. */
export const QEMU_ROOT: MachineFileSystem = {
  ...{ at: '/', type: 'ext4', device: `/dev/disk/lab/${OS_SNAPSHOT_NAME}-part1` },
};
