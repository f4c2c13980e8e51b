/** Key of a superblock: `major:minor` as the third field of mountinfo shows it. */
export type DeviceNumber = string;

/** One mounted superblock, however many mount points (binds, btrfs subvolumes) show it. */
export interface FileSystem {
  readonly device: DeviceNumber;
  readonly type: string;
  /** What was mounted, e.g. `/dev/sdc1`. */
  readonly source: string;
  /** The mount point whose descriptor is used to freeze it. */
  readonly mountPoint: string;
  /** All mount points that show it, `mountPoint` included. */
  readonly mountPoints: readonly string[];
  /** Kernel names of the whole disks it lies on (`sdc`, `nvme0n2`), sorted. */
  readonly disks: readonly string[];
  /** The file system that holds the image of the loop device this one lies on, where there is one. */
  readonly imageOn: DeviceNumber | undefined;
}

/** A whole block device that a snapshot is taken of. */
export interface Disk {
  /** Kernel name, e.g. `sdc`. */
  readonly name: string;
  /** `/dev/sdc` */
  readonly path: string;
  /** SCSI LUN or NVMe namespace-derived LUN, where the machine shows one. */
  readonly lun: number | undefined;
  readonly sizeBytes: number;
}

export type ExclusionReason =
  | 'read-only'
  | 'network'
  | 'pseudo'
  | 'temporary-disk'
  | 'skipped'
  | 'not-selected'
  | 'not-freezable'
  | 'no-block-device';

/** A superblock that is left out, and why. */
export interface Exclusion {
  readonly device: DeviceNumber;
  readonly type: string;
  readonly mountPoint: string;
  readonly reason: ExclusionReason;
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
  /** Every disk under a file system of the plan. */
  readonly disks: readonly Disk[];
  readonly excluded: readonly Exclusion[];
}

/** Which mount points the caller asks for. */
export interface Selection {
  /** Only these mount points; every suitable file system where empty. */
  readonly include: readonly string[];
  /** Mount points left out (`MountsToSkip`). */
  readonly skip: readonly string[];
}
