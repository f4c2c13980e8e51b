import type { Content, Contradiction } from './pair.ts';

export interface BlobContent extends Content {
  /** Index of the target. */
  readonly index: number;
}

export interface DiskContent extends Content {
  /** Kernel name, e.g. `sdc`. */
  readonly name: string;
}

/** The caller's statement that a blob stores a disk (`--disk /dev/sdc=<url>`). */
export interface Override {
  readonly blob: number;
  /** Kernel name. */
  readonly disk: string;
}

export interface Match {
  readonly blob: number;
  readonly disk: string;
}

/** The blob is: perhaps the disk was made larger, and the kernel has not read its size since. Missing: it is not. */
type IsLarger = true;

/** Why it is unknown which disk a blob stores. */
export type UnmatchedReason =
  | { readonly kind: 'unreadable'; readonly detail: string }
  | { readonly kind: 'blank' | 'unrecognized' | 'dynamic-vhd' }
  /** Several disks fit, or several blobs fit the disk: clones. */
  | {
      readonly kind: 'ambiguous';
      readonly disks: readonly string[];
      readonly blobs: readonly number[];
    }
  /** Its content is that of the disk, but something contradicts that. */
  | {
      readonly kind: 'contradicted';
      readonly disk: string;
      readonly by: Contradiction;
      readonly isLarger?: IsLarger;
    }
  /** The caller named another blob for the disk that it fits. */
  | { readonly kind: 'taken'; readonly disk: string }
  /** The caller named it for the disk, but size or content contradict that; `contentOf`: the disks that it fits. */
  | {
      readonly kind: 'misnamed';
      readonly disk: string;
      readonly by: Contradiction;
      readonly isLarger?: IsLarger;
      readonly contentOf: readonly string[];
    }
  /** The caller named it for the disk, but another blob has that disk's content. */
  | { readonly kind: 'doubted'; readonly disk: string }
  /** It fits no disk that could be read; why the first of the others could not, as a sentence. */
  | {
      readonly kind: 'disk-unreadable';
      readonly disks: readonly string[];
      readonly because: string;
    }
  /** It fits a disk, but other disks that could not be read may be clones of that disk. */
  | { readonly kind: 'unread-rivals'; readonly disk: string; readonly rivals: readonly string[] };

/** A blob whose disk is unknown. */
export interface Unmatched {
  readonly blob: number;
  readonly reason: UnmatchedReason;
  /** The disks that it may store, in order: nothing known contradicts these. */
  readonly mayBe: readonly string[];
}

/** Every blob is in exactly one of `matches`, `unmatched` and `foreign`; each sorted by blob. */
export interface Matching {
  readonly matches: readonly Match[];
  readonly unmatched: readonly Unmatched[];
  /** Identified blobs that do not belong to any disk of this machine. */
  readonly foreign: readonly number[];
}
