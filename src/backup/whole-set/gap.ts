import type { ExclusionReason } from '../../filesystems/plan-types.ts';

/**
 * Why a set of snapshots is less than what its file systems need to be restored together. Disks are kernel names
 * or paths as they are to be told.
 */
export type SetGap =
  /** Whole disks are frozen and no snapshot is taken of them. Tolerated: they are left out on purpose. */
  | {
      readonly kind: 'missing-disks';
      readonly missing: readonly {
        readonly path: string;
        readonly mountPoints: readonly string[];
      }[];
      /** How many of `missing` the blobs of unknown disks can be. */
      readonly coveredAtMost: number;
      readonly frozen: number;
      readonly isTolerated: boolean;
    }
  /** Some disks of a file system are snapshotted and some not: what is there cannot be restored. */
  | {
      readonly kind: 'half';
      readonly mountPoint: string;
      readonly disks: readonly string[];
      readonly without: readonly string[];
    }
  /** A mounted, writable file system was not frozen and lies on this snapshotted disk; undefined: on any of them. */
  | {
      readonly kind: 'left-out';
      readonly mountPoint: string;
      readonly type: string;
      readonly reason: LeftOutReason;
      readonly disk: string | undefined;
    }
  /** A blob of none of this machine's disks. Tolerated: the caller wants it all the same. */
  | {
      readonly kind: 'foreign';
      readonly target: number;
      readonly blob: string;
      readonly isTolerated: boolean;
    }
  /** A frozen file system came to lie on other disks while the run was under way. */
  | { readonly kind: 'moved'; readonly mountPoint: string; readonly disks: readonly string[] }
  /** The host told of fewer snapshots than the machine has disks. */
  | { readonly kind: 'host-answers'; readonly answers: number; readonly disks: number };

/** `mounted-since`: it was not there when the plan was made. */
export type LeftOutReason = ExclusionReason | 'mounted-since';

/** What is no fault is told as a warning. */
export function isFault(gap: SetGap): boolean {
  return !('isTolerated' in gap && gap.isTolerated);
}

/** Whether it leaves the set without any worth as a whole, not only single disks without the instant. */
export function voidsSet({ kind }: SetGap): boolean {
  return kind === 'missing-disks' || kind === 'half' || kind === 'moved' || kind === 'host-answers';
}

/** One sentence for people: what is wrong, and what to do. */
export function describeGap(gap: SetGap): string {
  switch (gap.kind) {
    case 'missing-disks':
      return describeMissing(gap);
    case 'half':
      return `${gap.mountPoint} lies on ${gap.disks.join(', ')}, but no snapshot is taken of ${gap.without.join(', ')}: the file system cannot be restored from the others. Give every blob of it, or leave it out (--skip, MountsToSkip).`;
    case 'left-out':
      return `${gap.disk ?? 'An unknown disk'} carries ${gap.mountPoint} (${gap.type}), which was not frozen because it ${BECAUSE[gap.reason]}: ${gap.disk === undefined ? 'any snapshot of the set may not show the common instant' : 'the snapshot of that disk does not show the common instant'}.`;
    case 'foreign':
      return `${gap.blob} belongs by its content to none of this machine's disks: its snapshot is no part of the set.`;
    case 'moved':
      return `${gap.mountPoint} came to lie on other disks (${gap.disks.join(', ')}) after the plan was made: the snapshots are not consistent. Try again when that is over.`;
    case 'host-answers':
      return `incomplete: the host told of ${gap.answers} snapshots, but the VM has ${gap.disks} disks.`;
  }
}

function describeMissing({
  missing,
  coveredAtMost,
  frozen,
  isTolerated,
}: Extract<SetGap, { kind: 'missing-disks' }>): string {
  const have = frozen - missing.length + coveredAtMost;
  const names = missing.map(({ path, mountPoints }) => `${path} (${mountPoints.join(', ')})`);
  const which =
    coveredAtMost === 0
      ? `no blob is given of ${names.join(', ')}`
      : `the blobs of unknown disks can be ${coveredAtMost} of ${names.join(', ')} at most`;
  return isTolerated
    ? `${have} of ${frozen} frozen disks are snapshotted, as asked for: ${which}.`
    : `incomplete: ${have} of ${frozen} frozen disks are snapshotted; ${which}. Give the blob, leave the file systems out (--skip), or accept an incomplete set (--partial).`;
}

const BECAUSE: Readonly<Record<LeftOutReason, string>> = {
  'read-only': 'was read-only when the plan was made',
  network: 'is a network file system',
  pseudo: 'is the kernel’s own',
  'temporary-disk': 'lies on the temporary disk',
  skipped: 'is named by --skip or MountsToSkip',
  'not-selected': 'is not named by --mount',
  'not-freezable': 'is of a type that the kernel cannot freeze',
  'no-block-device': 'shows no block device under it',
  hidden: 'is covered by another mount',
  'other-namespace': 'is mounted in another mount namespace only',
  'no-answer': 'did not answer when its mount point was opened',
  'mounted-since': 'was mounted after the plan was made',
};
