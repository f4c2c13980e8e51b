/**
 * Identifies a disk by its first bytes, so that a blob can be recognised as the content of a local disk.
 *
 * A piece of evidence is a field that is written when a disk is partitioned or formatted and does not change
 * afterwards: GUIDs, UUIDs, the MBR's disk signature and partition table. The local disk and the blob are
 * read at different times, both while the disk is in use, and the local read may return stale data from the
 * page cache. Therefore counters, generations, time stamps, labels and checksums are never compared; a
 * checksum is only used to distinguish a structure from bytes that look like one.
 *
 * - *Identifying* evidence belongs to one disk. Blob and disk that share a piece of it are candidates
 *   for each other.
 * - Evidence of a *set* of disks (a btrfs file system, an md array) does not make a match, but shows that the
 *   blob belongs to this machine. A *common* piece (a partition table's layout) proves nothing if it is equal.
 * - Evidence of any kind that differs excludes the pair, even if all other evidence is equal. Sizes do too: a
 *   blob has its disk's size, or 512 bytes more for the footer of a fixed VHD. Evidence that only one side
 *   has does not exclude anything.
 * - A blob and a disk match if each is the other's only candidate. Disks that are clones of each other are
 *   therefore never matched: their snapshots are still correct, but their file systems stay frozen longer.
 *
 * Leftovers count too: an old unused superblock is on both sides of a true pair. Data beyond the bytes read
 * (md 0.90 and 1.0 at the end of the disk, content of partitions) is not seen. Equal content cannot prove that
 * a blob is the disk and not a clone of it that belongs to another machine: flashfreeze relies on the caller to
 * give the right blobs.
 */

/**
 * How many bytes of a disk or blob are read and compared: 64 KiB and the block after them, because the primary
 * superblock of btrfs begins at 64 KiB.
 */
export const HEAD_BYTES = 69_632;

/** Kinds of evidence, and what each of them identifies. */
export const EVIDENCE_KINDS = {
  'gpt-disk-guid': 'identifying',
  'mbr-signature': 'identifying',
  'mbr-partitions': 'common',
  'ext-uuid': 'identifying',
  'xfs-uuid': 'identifying',
  'btrfs-fsid': 'set',
  'btrfs-device-uuid': 'identifying',
  'f2fs-uuid': 'identifying',
  'nilfs2-uuid': 'identifying',
  'swap-uuid': 'identifying',
  'lvm-pv-uuid': 'identifying',
  'luks-uuid': 'identifying',
  'md-array-uuid': 'set',
  'md-device-uuid': 'identifying',
} as const;

export type EvidenceKind = keyof typeof EVIDENCE_KINDS;

/** A disk has at most one of each kind. */
export interface Evidence {
  readonly kind: EvidenceKind;
  /** In the notation of blkid(8), lower case for hexadecimal. */
  readonly value: string;
}

/** `[]` if there is no value. */
export function evidenceOf(kind: EvidenceKind, value: string | undefined): Evidence[] {
  return value === undefined ? [] : [{ kind, value }];
}

/** What the first bytes of a disk or blob show about its identity. */
export type Identity =
  /** At least one piece of evidence is identifying. */
  | { readonly state: 'identified'; readonly evidence: readonly Evidence[] }
  /** Data, but nothing that identifies it. */
  | { readonly state: 'unrecognized' }
  /** Nothing but zeroes. */
  | { readonly state: 'blank' }
  /** A dynamic or differencing VHD: its content is at other offsets than on a disk. */
  | { readonly state: 'dynamic-vhd' }
  /** It could not be read; the reason may be shown. Silent: it did not answer in time. */
  | { readonly state: 'unreadable'; readonly reason: string; readonly isSilent?: boolean };
