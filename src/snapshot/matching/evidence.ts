/**
 * What tells one disk from another by its first bytes, so that a blob can be recognised as the
 * content of a local disk.
 *
 * A piece of evidence is a field that is written when a disk is partitioned or formatted and then
 * stays: GUIDs, UUIDs, the MBR's disk signature and partition table. The local disk and the blob are
 * read at different moments, both while the disk is in use, and the local read may be served from a
 * page cache that lags behind. So counters, generations, time stamps, labels and checksums are never
 * compared; a checksum is only used to tell a structure from bytes that look like one.
 *
 * - *Identifying* evidence belongs to one disk. Blob and disk that share a piece of it are candidates
 *   for each other.
 * - Evidence of a *set* of disks (a btrfs file system, an md array) makes no match, but shows that a
 *   blob is no stranger. A *common* piece (a partition table's layout) shows nothing by being equal.
 * - Evidence of any kind that differs excludes the pair, whatever else agrees. So do sizes: a blob has
 *   its disk's size, or 512 bytes more for the footer of a fixed VHD. Evidence that only one side has
 *   excludes nothing.
 * - A match is a pair that are each other's only candidate. Disks that are clones of each other are
 *   therefore never matched: their snapshots are right all the same, only later.
 *
 * Leftovers count too: an old superblock that nobody uses is on both sides of a true pair. What
 * lies beyond the bytes read (md 0.90 and 1.0 at the end of the disk, content of partitions) is not seen.
 * Equal content cannot prove that a blob is the disk and not a clone of it that belongs to another
 * machine: that the right blobs were given is the caller's word.
 */

/** Bytes of a disk or blob that are looked at: as many as the preflight reads. */
export { HEAD_BYTES } from '../blob/requests.ts';

/** Kinds of evidence, and what they belong to. */
export const EVIDENCE_KINDS = {
  'gpt-disk-guid': 'identifying',
  'mbr-signature': 'identifying',
  'mbr-partitions': 'common',
  'ext-uuid': 'identifying',
  'xfs-uuid': 'identifying',
  'btrfs-fsid': 'set',
  'btrfs-device-uuid': 'identifying',
  'swap-uuid': 'identifying',
  'lvm-pv-uuid': 'identifying',
  'luks-uuid': 'identifying',
  'md-array-uuid': 'set',
  'md-device-uuid': 'identifying',
} as const;

export type EvidenceKind = keyof typeof EVIDENCE_KINDS;

/** At most one of a kind is found on a disk. */
export interface Evidence {
  readonly kind: EvidenceKind;
  /** In the notation of blkid(8), lower case for hexadecimal. */
  readonly value: string;
}

/** `[]` where there is no value. */
export function evidenceOf(kind: EvidenceKind, value: string | undefined): Evidence[] {
  return value === undefined ? [] : [{ kind, value }];
}

/** What the first bytes of a disk or blob say about which one it is. */
export type Identity =
  /** There is evidence, and at least one piece is identifying. */
  | { readonly state: 'identified'; readonly evidence: readonly Evidence[] }
  /** Data, but nothing that identifies it. */
  | { readonly state: 'unrecognized' }
  /** Nothing but zeroes. */
  | { readonly state: 'blank' }
  /** A dynamic or differencing VHD: the content is not where it would be on a disk. */
  | { readonly state: 'dynamic-vhd' }
  /** It could not be read; the reason is fit to be shown. */
  | { readonly state: 'unreadable'; readonly reason: string };
