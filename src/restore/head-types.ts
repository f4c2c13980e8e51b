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

/** What an extent holds: `blank` if its first bytes are zeroes, `unknown` if they show nothing known. */
export type HeadKind =
  | 'ext'
  | 'xfs'
  | 'btrfs'
  | 'vfat'
  | 'swap'
  | 'lvm'
  | 'luks'
  | 'md'
  | 'extended'
  | 'blank'
  | 'unknown';

export interface Head extends Extent, Judgement {
  readonly kind: HeadKind;
  /** In the notation of blkid(8); undefined if it has none. */
  readonly uuid: string | undefined;
  /** If it is a part of an LVM volume group or an md array that was read. */
  readonly part?: VolumePart;
}

export interface DiskHeads {
  readonly table: 'gpt' | 'mbr' | 'none';
  readonly heads: readonly Head[];
}
