import type { DeviceNumber } from '../system/device-number.ts';
/** How the settings name the OS disk among the LUNs (settings.md, includedDisks). */
export const OS_DISK_LUN = -1;

/** One mounted superblock, however many mount points (binds, btrfs subvolumes) show it. */
export interface FileSystem {
  readonly device: DeviceNumber;
  readonly type: string;
  /** What was mounted, e.g. `/dev/sdc1`. */
  readonly source: string;
  /** The mount point whose descriptor is used to freeze it. */
  readonly mountPoint: string;
  /**
   * Mount id behind `mountPoint`. By the time it is opened something else may be there: the code that opens
   * it compares this with `mnt_id` in `/proc/self/fdinfo/<fd>`, else it freezes the wrong one.
   */
  readonly mountId?: number;
  /** All mount points that show it, `mountPoint` included. */
  readonly mountPoints: readonly string[];
  /**
   * Kernel names of the whole disks it lies on (`sdc`, `nvme0n2`), sorted. For one in an image: the
   * disks of the file system that holds the image; the loop device itself if that is not frozen
   * with it (then the disks under the image besides, if it has any).
   */
  readonly disks: readonly string[];
  /**
   * The file system of the plan that holds the image of the loop device this one lies on, if
   * there is one; the one frozen last if it lies on several such images.
   */
  readonly imageOn: DeviceNumber | undefined;
}

/** A whole block device that a snapshot is taken of. */
export interface Disk {
  /** Kernel name, e.g. `sdc`. */
  readonly name: string;
  /** `/dev/sdc` */
  readonly path: string;
  /**
   * SCSI LUN or NVMe namespace-derived LUN, if the machine shows one. On Azure only data disks
   * have one, as configured for the VM; the OS disk and temporary disks have none.
   */
  readonly lun: number | undefined;
  readonly sizeBytes: number;
  /** What it is to an Azure VM, if that shows. */
  readonly role?: DiskRole | undefined;
  /**
   * True if the place of its content is not visible (a ZFS volume, a network block device, a device that a
   * mount option names and that cannot be found, an image without a name here): it may lie on any other disk.
   */
  readonly isElsewhere?: boolean;
  /** Kernel names of every path to it, itself included, if it is reached by several (dm-multipath). */
  readonly paths?: readonly string[];
  /** Kernel names of what the machine swaps to on it: partitions of it, or the whole disk. */
  readonly swaps?: readonly string[];
  /** Kernel names of the md arrays that lie on it, whatever is in between. */
  readonly arrays?: readonly string[];
}

/** `temporary`: the local (resource) disk, which no snapshot is taken of. */
export type DiskRole = 'os' | 'data' | 'temporary';

export type ExclusionReason =
  | 'read-only'
  | 'network'
  | 'pseudo'
  | 'temporary-disk'
  | 'skipped'
  | 'not-selected'
  | 'not-freezable'
  | 'no-block-device'
  /** Another mount lies over every mount point of it. */
  | 'hidden'
  /** It is mounted in other mount namespaces only, such as a container's. */
  | 'other-namespace'
  /** No mount of it is visible: it was unmounted lazily, or only a descriptor or a namespace without a process has it. */
  | 'no-mount'
  /** An open of its mount point waits for something that does not answer, such as a FUSE daemon. */
  | 'no-answer'
  /** The kernel has shut it down, or made it read-only, after an error: nothing can be written to it any more. */
  | 'dead'
  /** None of its mount points can be opened: single sockets or devices of it, or the way to them is barred. */
  | 'not-openable';

/** What only an attempt to open its mount points shows of a superblock. */
export type OpeningFault = Extract<ExclusionReason, 'no-answer' | 'dead' | 'not-openable'>;

/** A superblock that is left out, and why. */
export interface Exclusion {
  readonly device: DeviceNumber;
  readonly type: string;
  readonly mountPoint: string;
  readonly reason: ExclusionReason;
  /** Kernel names of the whole disks it lies on, sorted; empty if it lies on none, or none is known. */
  readonly disks: readonly string[];
  /** Those of `disks` whose content may lie on any other disk, because its place is not visible. Missing: there are none. */
  readonly elsewhere?: readonly string[];
  /** False for a superblock that is mounted read-only, or dead. */
  readonly isWritable: boolean;
}

/** What is frozen, in which waves, and on which disks each file system lies. */
export interface Plan {
  /** In order of freezing: a dependent before what it depends on, inner mounts first, `/` last. */
  readonly fileSystems: readonly FileSystem[];
  /**
   * Indexes into `fileSystems`. What stands in one wave is independent and may be frozen at the same
   * time; dependents stand in earlier waves.
   */
  readonly waves: readonly (readonly number[])[];
  /**
   * For each file system the indexes of those it is written through (images, FUSE daemons): its FITHAW
   * blocks while one of them is frozen, so they are thawed before it.
   */
  readonly thawsAfter: readonly (readonly number[])[];
  /**
   * For each file system the indexes of those that need it, directly or through others (images, FUSE daemons, overlays,
   * fanotify daemons): whatever the order of the waves, they are frozen before it. Missing: of images alone `imageOn` tells.
   */
  readonly dependents?: readonly (readonly number[])[];
  /** Every disk under a file system of the plan. */
  readonly disks: readonly Disk[];
  /** The machine's other whole disks: a blob may be behind one of them. */
  readonly otherDisks?: readonly Disk[];
  readonly excluded: readonly Exclusion[];
  /** Not every other mount namespace was looked into: `excluded` may lack a file system that only one of them has. */
  readonly missesNamespaces?: true;
  /** What could not be seen, as sentences for people. */
  readonly warnings?: readonly string[];
}

/** Which mount points the caller asks for. */
export interface Selection {
  /** Only these mount points (absolute), or what these patterns match; every suitable file system if empty. */
  readonly include: readonly string[];
  /** Mount points and patterns left out (`MountsToSkip`), also where they are included. */
  readonly skip: readonly string[];
  /** Superblocks that cannot be opened; missing: none is known. */
  readonly faulty?: readonly { readonly device: DeviceNumber; readonly reason: OpeningFault }[];
  /** Mount points that cannot be opened: another one of the same superblock is. Missing: none is known. */
  readonly notOpenable?: readonly string[];
}
