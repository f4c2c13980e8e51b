/** What the label of a physical volume and the metadata on it say. */
export interface LvmPart {
  readonly kind: 'lvm';
  /** Without hyphens. */
  readonly pvUuid: string;
  /** Undefined if this physical volume holds no metadata. */
  readonly group: VolumeGroup | undefined;
}

/** A volume group as one copy of its metadata describes it. */
export interface VolumeGroup {
  readonly name: string;
  readonly uuid: string;
  /** Each change of the metadata has the next number. */
  readonly seqno: number;
  readonly extentBytes: number;
  readonly physicalVolumes: readonly PhysicalVolume[];
  /** Those that are to be seen: hidden ones are parts of them. */
  readonly logicalVolumes: readonly LogicalVolume[];
}

export interface PhysicalVolume {
  /** Name within the metadata, e.g. pv0. */
  readonly name: string;
  /** Without hyphens. */
  readonly uuid: string;
  /** Path that it had when the metadata was written; for people. */
  readonly device: string;
  /** Of its first extent. */
  readonly startBytes: number;
}

export interface LogicalVolume {
  readonly name: string;
  readonly segments: readonly LvmSegment[];
}

export interface LvmSegment {
  readonly startExtent: number;
  readonly extentCount: number;
  /** As LVM names it; `striped` with one stripe is a linear one. */
  readonly type: string;
  readonly stripeBytes: number;
  /** Empty for other types than `striped`. */
  readonly stripes: readonly { readonly pv: string; readonly startExtent: number }[];
}

/** The superblock of one member of an md array. */
export interface MdPart {
  readonly kind: 'md';
  readonly arrayUuid: string;
  /** For people. */
  readonly name: string;
  /** −1 is linear. */
  readonly level: number;
  readonly memberCount: number;
  /** Undefined for a spare, a failed member or a journal. */
  readonly role: number | undefined;
  /** Roles that this superblock says are active. */
  readonly activeRoles: readonly number[];
  /** Each change of the array's state has the next number. */
  readonly events: bigint;
  readonly chunkBytes: number;
  readonly dataOffset: number;
  /** Length of its data. */
  readonly dataBytes: number;
  readonly isReshaping: boolean;
}

export type VolumePart = LvmPart | MdPart;
