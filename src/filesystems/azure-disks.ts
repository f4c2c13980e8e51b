import { basename } from 'node:path/posix';
import type { DiskRole } from './plan-types.ts';
import type { SystemView } from './system-view.ts';

/** What sysfs shows of the hardware behind a whole disk; empty for virtual ones (zram, loop, md …). */
export interface DiskHardware {
  /** A driver stands behind it, so its content is its own and lies on no other disk. */
  readonly hasDriver?: true;
  /** `host:channel:target:lun` */
  readonly scsiAddress?: string;
  /** `device_id` of the nearest VMBus device above it, without braces, lower case. */
  readonly vmbusDeviceId?: string;
  readonly model?: string;
  readonly nvmeNamespaceId?: number;
}

export interface DiskIdentity {
  readonly role: DiskRole | undefined;
  readonly lun: number | undefined;
}

/** SMBIOS chassis asset tag of every Azure VM, by which cloud-init knows the cloud (its ds-identify). */
const AZURE_CHASSIS_ASSET_TAG = '7783-7084-3265-9085-8269-3286-77';

/** NVMe models, from azure-vm-utils, doc/disk-identification.md. */
const NVME_REMOTE_MODEL = 'MSFT NVMe Accelerator v1.0';
const NVME_LOCAL_MODEL = /^Microsoft NVMe Direct Disk( v\d+)?$/;

/** VMBus devices, from WALinuxAgent, 66-azure-storage.rules, and azure-vm-utils, 80-azure-disk.rules. */
const GEN1_OS = /^00000000-0000-/;
const GEN1_TEMPORARY = /^00000000-0001-/;
const GEN2_OS_CONTROLLER = 'f8b3781a-1e82-4818-a1c3-63d806ec15bb';
const DATA_CONTROLLER = /^f8b3781[bcd]-1e82-4818-a1c3-63d806ec15bb$/;

const UNKNOWN: DiskIdentity = { role: undefined, lun: undefined };

/**
 * Which disk of an Azure VM this is, as its udev rules tell:
 *
 * - NVMe, remote: namespace 1 is the OS disk, a data disk has namespace LUN + 2. The namespace id is
 *   that of sysfs; the number in the kernel's name may differ. Namespaces of local disks are temporary.
 * - VMBus IDE (generation 1): port 0 is the OS disk, port 1 the temporary one.
 * - VMBus SCSI: on the first controller (generation 2) LUN 0 is the OS disk and LUN 1 the temporary
 *   one; what is on the others are data disks.
 *
 * The LUN is what the VM's configuration calls so: the OS disk has none, whatever its SCSI address.
 * Outside Azure there are no roles, and the LUN is the SCSI address's.
 */
export function identifyDisk(
  hardware: DiskHardware,
  chassisAssetTag: string | undefined,
): DiskIdentity {
  const { model, nvmeNamespaceId, vmbusDeviceId, scsiAddress } = hardware;
  if (nvmeNamespaceId !== undefined) {
    return identifyNamespace(model ?? '', nvmeNamespaceId);
  }
  const lun = lunOf(scsiAddress);
  // Hyper-V elsewhere numbers its IDE ports the same way, and there port 1 holds an ordinary disk.
  const mayBeAzure = chassisAssetTag === undefined || chassisAssetTag === AZURE_CHASSIS_ASSET_TAG;
  return vmbusDeviceId !== undefined && mayBeAzure
    ? identifyVmbusDisk(vmbusDeviceId, lun)
    : { role: undefined, lun };
}

/**
 * What the links in `/dev/disk/azure` say, by kernel name. The udev rules of azure-vm-utils (`os`, `data/by-lun/3`) or of
 * WALinuxAgent (`root`, `scsi1/lun3`) make them. They count only for disks of which sysfs shows nothing.
 */
export function readAzureLinks(
  system: Pick<SystemView, 'list' | 'resolve'>,
): ReadonlyMap<string, DiskIdentity> {
  const links = new Map<string, DiskIdentity>();
  const add = (link: string, identity: DiskIdentity): void => {
    const path = system.resolve(`/dev/disk/azure/${link}`);
    if (path !== undefined) {
      links.set(basename(path), identity);
    }
  };
  for (const name of ['root', 'os']) {
    add(name, { role: 'os', lun: undefined });
  }
  for (const [directory, pattern] of [
    ['scsi1', /^lun(\d{1,3})$/],
    ['data/by-lun', /^(\d{1,3})$/],
  ] as const) {
    for (const name of system.list(`/dev/disk/azure/${directory}`) ?? []) {
      const lun = pattern.exec(name)?.[1];
      if (lun !== undefined) {
        add(`${directory}/${name}`, { role: 'data', lun: Number(lun) });
      }
    }
  }
  return links;
}

function identifyNamespace(model: string, namespaceId: number): DiskIdentity {
  if (NVME_LOCAL_MODEL.test(model)) {
    return { role: 'temporary', lun: undefined };
  }
  if (model !== NVME_REMOTE_MODEL) {
    return UNKNOWN;
  }
  return namespaceId === 1
    ? { role: 'os', lun: undefined }
    : { role: 'data', lun: namespaceId - 2 };
}

function identifyVmbusDisk(deviceId: string, lun: number | undefined): DiskIdentity {
  if (DATA_CONTROLLER.test(deviceId)) {
    return { role: 'data', lun };
  }
  const onOsController = deviceId === GEN2_OS_CONTROLLER;
  if (GEN1_OS.test(deviceId) || (onOsController && lun === 0)) {
    return { role: 'os', lun: undefined };
  }
  if (GEN1_TEMPORARY.test(deviceId) || (onOsController && lun === 1)) {
    return { role: 'temporary', lun: undefined };
  }
  return UNKNOWN;
}

function lunOf(scsiAddress: string | undefined): number | undefined {
  const lun = scsiAddress?.split(':')[3];
  return lun === undefined ? undefined : Number(lun);
}
