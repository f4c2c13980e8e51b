import type { Manifest, RestorePoint } from '../restore-points/restore-point.ts';
import { isProvisioned, type Placement } from './disk-body.ts';
import type { OldDisk } from './old-disks.ts';
import type { RestorePlan } from './restore-plan.ts';

/** Where the new disks come to lie, as far as the lines for the Azure CLI need it. */
export interface NewPlaces {
  /** URL of a new blob, without a query; undefined for managed disks. */
  readonly blobUrl: ((name: string) => string) | undefined;
  /** Resource group of the new managed disks; undefined: a place holder. */
  readonly group: string | undefined;
  /** Of the new managed disks, in the order of the plan; missing for blobs. */
  readonly managed?: readonly NewManagedDisk[];
}

/** A managed disk that is to be made, or exists. */
export interface NewManagedDisk {
  readonly id: string;
  readonly exists: boolean;
  readonly old: OldDisk | undefined;
  readonly placement: Placement;
}

/**
 * The lines that make managed disks of what was restored and attach them to a VM. Words in angle brackets are for the reader
 * to replace. Pure.
 */
export function azLines({ disks }: RestorePlan, { blobUrl, group, managed }: NewPlaces): string[] {
  const where = group === undefined ? '<group>' : quoted(group);
  const luns = freeLuns(disks.map(({ member }) => member.membership.lun));
  return disks.flatMap(({ member, name }, index) => {
    const { place, membership } = member;
    const isOs = membership.lun === 'os';
    const disk = (name.split('/').at(-1) ?? name).replace(/\.vhd$/i, '');
    const source = place.kind === 'managed' ? place.id : (blobUrl?.(name) ?? name);
    const made = managed?.[index];
    const id = made?.exists ? quoted(made.id) : diskId(where, disk);
    const create = `az disk create --resource-group ${where} --name ${disk} --source ${quoted(source)} ${diskOptions(isOs, made)}`;
    return [
      ...(made?.exists ? [] : [create]),
      isOs
        ? `az vm update --resource-group <vm-group> --name <vm> --os-disk ${id}`
        : `az vm disk attach --resource-group <vm-group> --vm-name <vm> --name ${id} --lun ${luns[index]}`,
    ];
  });
}

function diskOptions(isOs: boolean, made: NewManagedDisk | undefined): string {
  const { sku, zone = '<zone>' } = made?.placement ?? {};
  const generation = made?.old?.properties.hyperVGeneration;
  return [
    ...(isOs ? [`--os-type Linux --hyper-v-generation ${generation ?? '<V1 or V2>'}`] : []),
    `--sku ${sku ?? '<sku>'}`,
    ...(zone === 'none' ? [] : [`--zone ${zone}`]),
    ...optionsOf(sku, made?.old),
  ].join(' ');
}

/** Of the old disk, as `diskBody` has it: a disk that was closed must not be open after a restore. */
function optionsOf(sku: string | undefined, old: OldDisk | undefined): string[] {
  if (old === undefined) {
    return [];
  }
  const { networkAccessPolicy, diskAccessId, publicNetworkAccess, encryption, securityProfile } =
    old.properties;
  const set = encryption?.type && encryption.diskEncryptionSetId ? encryption : undefined;
  const security = securityProfile?.securityType === 'TrustedLaunch' ? 'TrustedLaunch' : undefined;
  const chosen = isProvisioned(sku) ? old.properties : undefined;
  const performance = isProvisioned(old.sku) ? chosen : undefined;
  const options: readonly (readonly [string, string | number | null | undefined])[] = [
    ['--network-access-policy', networkAccessPolicy],
    ['--disk-access', diskAccessId],
    ['--public-network-access', publicNetworkAccess],
    ['--encryption-type', set?.type],
    ['--disk-encryption-set', set?.diskEncryptionSetId],
    ['--security-type', security],
    ['--logical-sector-size', chosen?.creationData?.logicalSectorSize],
    ['--disk-iops-read-write', performance?.diskIOPSReadWrite],
    ['--disk-mbps-read-write', performance?.diskMBpsReadWrite],
  ];
  return options.flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [`${name} ${quoted(String(value))}`],
  );
}

function diskId(group: string, disk: string): string {
  return `"$(az disk show --resource-group ${group} --name ${disk} --query id --output tsv)"`;
}

/** The LUNs of before; a disk whose LUN is not known gets the lowest that is free. */
function freeLuns(known: readonly (number | 'os' | undefined)[]): (number | 'os')[] {
  const used = new Set(known);
  return known.map((lun) => {
    if (lun !== undefined) {
      return lun;
    }
    let free = 0;
    while (used.has(free)) {
      free += 1;
    }
    used.add(free);
    return free;
  });
}

function quoted(text: string): string {
  return /^[\w./:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

const SAME_VM =
  'The new disks have the UUIDs, labels and names of the old ones. Attach them to another VM, or do the following before you mount them on the machine that still has the old ones; do not reboot it with both if /etc/fstab or the boot loader names UUIDs.';

const RULES: readonly (readonly [
  kind: string,
  isThere: (manifest: Manifest) => boolean,
  text: string,
])[] = [
  [
    'xfs',
    (manifest) => hasType(manifest, 'xfs'),
    'xfs: mount -o ro,nouuid <device> <folder>; for good, xfs_admin -U generate <device> while it is not mounted',
  ],
  [
    'ext4',
    (manifest) => hasType(manifest, 'ext4') || hasType(manifest, 'ext3'),
    'ext3, ext4: mount by the device, not by UUID=; for good, e2fsck -f <device> and tune2fs -U random <device> while it is not mounted',
  ],
  [
    'btrfs',
    (manifest) => hasType(manifest, 'btrfs'),
    'btrfs: never on the machine that has the old one, because btrfs takes both for devices of one file system; use another VM, or btrfstune -u <device> before anything scans or mounts it',
  ],
  [
    'lvm',
    (manifest) => hasVolume(manifest, 'lvm'),
    'LVM: vgimportclone --basevgname <new name> <device>… with all disks of the volume group at once, then vgchange --activate y <new name>',
  ],
  [
    'md',
    (manifest) => hasVolume(manifest, 'md'),
    'md: mdadm --assemble /dev/md/<new name> --update=uuid <device>… with all disks of the array; with --force if the array was degraded',
  ],
];

/** What to mind before the restored disks are mounted. Without a manifest, all of it. Pure. */
export function uuidWarnings({ manifest }: Pick<RestorePoint, 'manifest'>): string[] {
  const rules = RULES.filter(([, isThere]) => manifest === undefined || isThere(manifest));
  return [SAME_VM, ...rules.map(([, , text]) => text)];
}

function hasType({ fileSystems }: Manifest, wanted: string): boolean {
  return fileSystems.some(({ type }) => type === wanted);
}

function hasVolume({ disks }: Manifest, kind: string): boolean {
  return disks.some(({ volumes }) => volumes.some((volume) => volume.startsWith(`${kind} `)));
}
