import type { OutputOf } from '../report/schemas/described.ts';
import type { manifestSchema } from '../report/schemas/manifest.ts';
import type { Membership } from './membership.ts';

/** What is known of a run after it has ended, as it is stored beside the snapshots. */
export type Manifest = OutputOf<typeof manifestSchema>;

/** Which snapshot of which service. No secrets. */
export type SnapshotPlace =
  /** `url` is that of the blob without its query, `snapshot` is its `x-ms-snapshot`. */
  | { readonly kind: 'blob'; readonly url: string; readonly snapshot: string }
  /** Resource ids of the snapshot and of the disk that it was taken of. */
  | { readonly kind: 'managed'; readonly id: string; readonly sourceDisk: string };

/** A snapshot that a service lists and that says which restore point it belongs to. */
export interface StoredMember {
  readonly place: SnapshotPlace;
  /** By the clock of the service. */
  readonly takenAt: Date;
  readonly sizeBytes: number;
  readonly membership: Membership;
  /** All its metadata or tags, flashfreeze's own included. */
  readonly values: Readonly<Record<string, string>>;
}

/**
 * What a restore point is worth. `complete`: every snapshot of it exists, and it was recorded that they show one instant and
 * can be restored. `notRecorded`: every snapshot exists, but no manifest, tag or file of this machine says more. `incomplete`: a
 * snapshot is missing. `inconsistent`: it was recorded that they cannot be restored together.
 */
export type Worth = 'complete' | 'notRecorded' | 'incomplete' | 'inconsistent';

/**
 * Why it is not known which snapshots belong to a restore point, or what it is worth. `manifestUnread`: a manifest of it exists that could not
 * be read: it may name snapshots that do not say so themselves, and say something else about its worth. `onBlob`: a blob itself has the
 * metadata of its snapshots, so that snapshots by others inherit them, and no manifest says which ones are its own. The others are
 * contradictions: `manifestsDiffer` between its manifests, `namedByAnother` and `namesAnothers` with another restore point or machine, and
 * `countsDiffer` between its snapshots.
 */
export type Doubt = keyof typeof DOUBT_REASONS;

/** Each for people. */
export const DOUBT_REASONS = {
  manifestUnread: 'its manifest could not be read',
  onBlob: 'a blob has its metadata, so that snapshots by others may look like its own',
  manifestsDiffer: 'its manifests contradict each other',
  namedByAnother: 'the manifest of another restore point names a snapshot of it, too',
  namesAnothers:
    'its manifest names a snapshot that says itself that it is of another restore point or machine',
  countsDiffer: 'its snapshots contradict each other about how many there are',
} as const;

/** The snapshots of one run, as the service lists them. */
export interface RestorePoint {
  readonly id: string;
  readonly host: string;
  readonly vm: string | undefined;
  /**
   * The instant that its snapshots show if that was recorded, else the time of the first snapshot; also if the clock of the
   * machine was more than an hour wrong.
   */
  readonly at: Date;
  readonly worth: Worth;
  /** The number of snapshots that it was to have. */
  readonly count: number;
  /** In the order of their positions, one for each that exists. */
  readonly members: readonly StoredMember[];
  /** Snapshots of the run that do not belong to it, e.g. a second one of a position: nothing can be restored from them. */
  readonly surplus: readonly StoredMember[];
  readonly manifest: Manifest | undefined;
  readonly doubt: Doubt | undefined;
}
