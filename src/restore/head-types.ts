import type { VolumePart } from './volume-types.ts';

/** Reads bytes of a disk's image; fewer than asked for only at its end. */
export type ReadAt = (offset: number, length: number) => Promise<Buffer>;

/** Where something lies on a disk. */
export interface Extent {
  /** `whole disk`, or e.g. `partition 1`. */
  readonly where: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/**
 * What a mount would find. `clean`: nothing to recover. `needsRecovery`: a journal or log has to be replayed. `damaged`: the
 * head contradicts itself or the size of the disk. `notLookedInto`: flashfreeze does not read this kind, or a part of it lies
 * elsewhere.
 */
export type HeadState = 'clean' | 'needsRecovery' | 'damaged' | 'notLookedInto';

export interface Judgement {
  readonly state: HeadState;
  /** The reason, for people. */
  readonly detail: string;
}

/**
 * What an extent holds: `blank` if its first bytes are zeroes or it is a partition table without partitions, `unknown` if it shows
 * nothing known. `boot`: a partition for boot code, without a file system. `gpt`: a partition table that is damaged.
 */
export type HeadKind =
  | 'ext'
  | 'xfs'
  | 'btrfs'
  | 'f2fs'
  | 'nilfs2'
  | 'vfat'
  | 'swap'
  | 'lvm'
  | 'luks'
  | 'md'
  | 'extended'
  | 'gpt'
  | 'boot'
  | 'blank'
  | 'unknown';

export interface Head extends Extent, Judgement {
  readonly kind: HeadKind;
  /** In the notation of blkid(8); undefined if it has none. */
  readonly uuid: string | undefined;
  /** If it is a part of an LVM volume group or an md array that was read. */
  readonly part?: VolumePart;
  /** If it is a btrfs whose superblock was read. */
  readonly btrfs?: BtrfsDevice;
}

/** What the superblock of one device of a btrfs says. */
export interface BtrfsDevice {
  /** Of the file system; equal on all its devices. */
  readonly fsid: string;
  readonly deviceId: bigint;
  /** Number of devices of the file system, those that it grew out of (seeds) included. */
  readonly deviceCount: number;
  /** Of the last committed transaction; a commit writes it to all devices. */
  readonly generation: bigint;
  /** A seed: a device of another, read-only file system, which others grow out of. */
  readonly isSeed: boolean;
}

export interface DiskHeads {
  readonly table: 'gpt' | 'mbr' | 'none';
  readonly heads: readonly Head[];
}
