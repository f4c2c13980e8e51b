import type { MachineFileSystem } from '../machine.ts';
import type { QemuDisk, QemuMachine } from './machine.ts';

const KERNELS = ['6.1', '6.12'];
/** The smallest that mkfs.xfs takes. */
const XFS_MB = 320;

/** Device ids of Hyper-V's SCSI controllers on a VM of generation 2: that of the OS disk, that of the data disks. */
const GENERATION_2 = [
  'f8b3781a-1e82-4818-a1c3-63d806ec15bb',
  'f8b3781b-1e82-4818-a1c3-63d806ec15bb',
];

/** On the controller of the data disks. */
function dataDisk(lun: number, megabytes: number): QemuDisk {
  return {
    ...{ name: `lun${lun}`, megabytes, port: { bus: 'scsi', controller: 1, lun } },
    shown: { role: 'data', lun },
  };
}

/** Namespaces of remote disks begin with that of the OS disk, which is 1. */
function dataNamespace(lun: number, megabytes: number): QemuDisk {
  return {
    ...{ name: `lun${lun}`, megabytes },
    port: { bus: 'nvme', controller: 'remote', namespace: lun + 2 },
    shown: { role: 'data', lun },
  };
}

/** Of a machine elsewhere, which has no roles of disks. */
function plainDisk(lun: number, megabytes: number): QemuDisk {
  return { ...dataDisk(lun, megabytes), shown: { role: null, lun } };
}

/** One that two controllers lead to. */
function sharedDisk(lun: number, megabytes: number): QemuDisk {
  return { ...plainDisk(lun, megabytes), morePorts: [{ bus: 'scsi', controller: 2, lun }] };
}

function onDisk(
  name: string,
  type: MachineFileSystem['type'],
  at = `/d/${name}`,
): MachineFileSystem {
  return { at, type, device: `/dev/disk/lab/${name}` };
}

const RESOURCE = { at: '/mnt/resource', reason: 'temporary-disk' };

export const QEMU_MACHINES: readonly QemuMachine[] = [
  {
    ...{ kind: 'qemu', architecture: 'amd64' },
    name: 'azure-scsi',
    shows: "Azure's SCSI layout: OS disk, resource disk, data disks by LUN",
    kernels: KERNELS,
    chassis: { kind: 'azure', scsiControllers: GENERATION_2 },
    osDisk: { bus: 'scsi', controller: 0, lun: 0 },
    disks: [
      dataDisk(63, 96),
      dataDisk(5, 200),
      dataDisk(0, 128),
      dataDisk(1, 200),
      {
        ...{ name: 'resource', megabytes: 64, port: { bus: 'scsi', controller: 0, lun: 1 } },
        ...{ withoutBlob: true, shown: { role: 'temporary', lun: null } },
      },
      dataDisk(12, XFS_MB),
      dataDisk(2, 96),
      dataDisk(7, 160),
    ],
    fileSystems: [
      onDisk('lun0-part1', 'ext4'),
      { at: '/d/stripe', type: 'xfs', device: '/dev/vgdata/stripe' },
      onDisk('lun12', 'xfs'),
      onDisk('lun63', 'ext4'),
      { at: '/d/linear', type: 'ext4', device: '/dev/vglinear/linear' },
    ],
    excluded: [RESOURCE],
  },
  {
    ...{ kind: 'qemu', architecture: 'amd64' },
    name: 'azure-nvme',
    shows: 'NVMe as v6 sizes have it: data disks are namespaces LUN + 2, a local disk',
    kernels: KERNELS,
    chassis: { kind: 'azure', scsiControllers: [] },
    osDisk: { bus: 'nvme', controller: 'remote', namespace: 1 },
    disks: [
      dataNamespace(3, XFS_MB),
      dataNamespace(0, 96),
      dataNamespace(20, 200),
      dataNamespace(1, 200),
      {
        ...{ name: 'local', megabytes: 64 },
        port: { bus: 'nvme', controller: 'local', namespace: 1 },
        ...{ withoutBlob: true, shown: { role: 'temporary', lun: null } },
      },
    ],
    fileSystems: [
      onDisk('lun0-part1', 'ext4'),
      onDisk('lun3', 'xfs'),
      { at: '/d/stripe', type: 'xfs', device: '/dev/vgdata/stripe' },
    ],
    excluded: [RESOURCE],
  },
  {
    ...{ kind: 'qemu', architecture: 'amd64' },
    name: 'multipath',
    shows: 'two paths to a disk: a partition and a whole disk above multipathd',
    kernels: KERNELS,
    chassis: { kind: 'other' },
    osDisk: { bus: 'scsi', controller: 0, lun: 0 },
    disks: [plainDisk(0, 96), sharedDisk(1, 128), sharedDisk(2, XFS_MB)],
    fileSystems: [
      onDisk('lun0', 'ext4'),
      { at: '/d/parted', type: 'ext4', device: '/dev/mapper/parted-part1' },
      { at: '/d/whole', type: 'xfs', device: '/dev/mapper/whole' },
    ],
  },
  {
    ...{ kind: 'qemu', architecture: 'amd64' },
    name: 'faults',
    shows:
      'a power cut, a stopped machine, less processors, memory or time, and disks that are slow, fail or go away',
    kernels: ['6.12'],
    chassis: { kind: 'other' },
    osDisk: { bus: 'scsi', controller: 0, lun: 0 },
    disks: [
      plainDisk(0, 64),
      plainDisk(1, XFS_MB),
      plainDisk(2, 64),
      plainDisk(3, 64),
      plainDisk(4, 64),
      plainDisk(5, 128),
    ],
    fileSystems: [
      onDisk('lun0', 'ext4'),
      onDisk('lun1', 'xfs'),
      onDisk('lun2', 'ext4'),
      onDisk('lun3', 'ext4'),
      onDisk('lun4', 'ext4'),
      onDisk('lun5', 'btrfs'),
    ],
    drills: [
      ...(['power-cut', 'machine-stopped', 'cpu-unplugged', 'clock-advanced'] as const),
      ...(['clock-set-back', 'memory-short', 'disk-slow', 'disk-late', 'disk-fails'] as const),
      ...(['disk-fails-before', 'disk-detached', 'disk-detached-before'] as const),
      'disk-detached-after',
    ],
  },
  {
    ...{ kind: 'qemu', architecture: 'arm64' },
    name: 'arm64',
    shows: 'the program for arm64, and its extension',
    kernels: KERNELS,
    chassis: { kind: 'other' },
    osDisk: { bus: 'scsi', controller: 0, lun: 0 },
    disks: [plainDisk(0, 96), plainDisk(1, XFS_MB), plainDisk(2, 128)],
    fileSystems: [onDisk('lun0-part1', 'ext4'), onDisk('lun1', 'xfs'), onDisk('lun2', 'btrfs')],
    drills: ['guardian-killed', 'program-killed', 'extension'],
  },
];
