import type { DebianArchitecture } from '../debian.ts';
import type { DrillName } from '../drills/drills.ts';
import type { Machine } from '../machine.ts';

/** A machine under QEMU: what User Mode Linux cannot show. Its storage is made by guest/storage/<name>.sh, too. */
export interface QemuMachine extends Omit<Machine, 'disks'> {
  readonly kind: 'qemu';
  readonly architecture: DebianArchitecture;
  /** Names of the kernels it is booted with. */
  readonly kernels: readonly string[];
  /** Besides the OS disk. */
  readonly disks: readonly QemuDisk[];
  readonly osDisk: DiskPort;
  readonly chassis: Chassis;
  /** What is done to it afterwards, in their order. */
  readonly drills?: readonly DrillName[];
}

/** What firmware and buses say of the machine. */
export type Chassis =
  | { readonly kind: 'other' }
  | {
      readonly kind: 'azure';
      /** VMBus device ids that sysfs shows above the SCSI controllers, in their order. */
      readonly scsiControllers: readonly string[];
    };

/** Storage scripts find it as `/dev/disk/lab/<name>`, its partitions as `/dev/disk/lab/<name>-part<n>`. */
export interface QemuDisk {
  readonly name: string;
  readonly megabytes: number;
  readonly port: DiskPort;
  /** Other ways to the same disk. */
  readonly morePorts?: readonly DiskPort[];
  /** Absent of one that no snapshot is taken of. */
  readonly withoutBlob?: true;
  /** What `plan --json` must say of it. */
  readonly shown?: ShownDisk;
}

export interface ShownDisk {
  readonly role: 'os' | 'data' | 'temporary' | null;
  readonly lun: number | null;
}

export type DiskPort = ScsiPort | NvmePort;

export interface ScsiPort {
  readonly bus: 'scsi';
  /** Controllers are probed in the order of these numbers. */
  readonly controller: number;
  readonly lun: number;
}

/** The model of its controller is one of NVME_MODELS. */
export interface NvmePort {
  readonly bus: 'nvme';
  readonly controller: NvmeController;
  readonly namespace: number;
}

export type NvmeController = keyof typeof NVME_MODELS;

/** As v6 sizes show them (azure-vm-utils, doc/disk-identification.md). */
export const NVME_MODELS = {
  remote: 'MSFT NVMe Accelerator v1.0',
  local: 'Microsoft NVMe Direct Disk v2',
} as const;

/** The OS disk's name; its snapshot in the second boot has the other. udev takes no serial number of two letters. */
export const OS_NAME = 'osdisk';
export const OS_SNAPSHOT_NAME = 'ossnapshot';

/** Every disk in the order in which their images are handed to a boot. */
export function disksOf({ disks, osDisk, chassis }: QemuMachine): readonly QemuDisk[] {
  const role = chassis.kind === 'azure' ? 'os' : null;
  const lun = role === null && osDisk.bus === 'scsi' ? osDisk.lun : null;
  return [{ name: OS_NAME, megabytes: 0, port: osDisk, shown: { role, lun } }, ...disks];
}
