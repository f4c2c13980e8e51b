import type { ExclusionReason } from '../../filesystems/plan-types.ts';

/**
 * A reason why the file systems of a set of snapshots cannot all be restored together. Disks are given as messages show
 * them: kernel names or paths.
 */
export type SetGap =
  /** Whole disks are frozen, but no snapshots of them are taken. Tolerated: they are left out on request. */
  | {
      readonly kind: 'missing-disks';
      readonly missing: readonly {
        readonly path: string;
        readonly mountPoints: readonly string[];
      }[];
      /** The largest number of disks in `missing` to which the blobs of unknown disks can belong. */
      readonly coveredAtMost: number;
      readonly frozen: number;
      readonly isTolerated: boolean;
      /** The snapshots are of managed disks. */
      readonly isManaged?: true;
    }
  /** Snapshots of only some disks of a file system are taken: the file system cannot be restored. */
  | {
      readonly kind: 'half';
      readonly mountPoint: string;
      readonly disks: readonly string[];
      readonly without: readonly string[];
      /** The snapshots are of managed disks. */
      readonly isManaged?: true;
    }
  /** A mounted, writable file system was not frozen and lies on `disk` of the set; undefined: on an unknown disk. */
  | {
      readonly kind: 'left-out';
      readonly mountPoint: string;
      readonly type: string;
      readonly reason: LeftOutReason;
      readonly disk: string | undefined;
    }
  /** There was not time enough to look for file systems that are mounted in other mount namespaces only. */
  | { readonly kind: 'unseen' }
  /** What is mounted could not be read after the thaw: `error` is the system's. */
  | { readonly kind: 'not-read'; readonly error: string }
  /** A blob that belongs to none of this machine's disks. Tolerated: the caller accepts it. */
  | {
      readonly kind: 'foreign';
      readonly target: number;
      readonly blob: string;
      /** What speaks against each disk, as a clause; missing: its content is that of none. */
      readonly because?: string;
      readonly isTolerated: boolean;
    }
  /** More blobs of unknown disks than disks that they can be. Tolerated: the caller accepts blobs of other machines. */
  | {
      readonly kind: 'surplus';
      /** Any of them can be one that belongs to none of this machine's disks. */
      readonly blobs: readonly string[];
      /** All disks that they can be. */
      readonly disks: readonly string[];
      readonly isTolerated: boolean;
    }
  /** A frozen file system was moved to other disks during the run. */
  | { readonly kind: 'moved'; readonly mountPoint: string; readonly disks: readonly string[] }
  /** The host reported fewer snapshots than the machine has disks. */
  | { readonly kind: 'host-answers'; readonly answers: number; readonly disks: number };

/** `mounted-since`: it was mounted after the plan was made. */
export type LeftOutReason = ExclusionReason | 'mounted-since';

/** Whether a gap is a fault; other gaps are reported as warnings. */
export function isFault(gap: SetGap): boolean {
  return !('isTolerated' in gap && gap.isTolerated);
}

/** Whether a gap makes the whole set worthless; other gaps only take the common instant from single disks. */
export function voidsSet({ kind }: SetGap): boolean {
  return kind === 'missing-disks' || kind === 'half' || kind === 'moved' || kind === 'host-answers';
}

/** One sentence on the gap, with its remedy. */
export function describeGap(gap: SetGap): string {
  switch (gap.kind) {
    case 'missing-disks':
      return describeMissing(gap);
    case 'half':
      return `${gap.mountPoint} lies on ${gap.disks.join(', ')}, but no snapshot is taken of ${gap.without.join(', ')}: the file system cannot be restored from the other disks alone. ${gap.isManaged ? 'Look at the warnings, --include-lun and --exclude-lun for the reason' : 'Give the blobs of all its disks'}, or leave the file system out (--skip, MountsToSkip).`;
    case 'left-out':
      return `${gap.disk ?? 'An unknown disk'} carries ${gap.mountPoint} (${gap.type}), which was not frozen because it ${BECAUSE[gap.reason]}: ${gap.disk === undefined ? 'any snapshot of the set may not show the common instant' : 'the snapshot of that disk does not show the common instant'}.`;
    case 'unseen':
      return 'There was not time enough to look at the mounts of every process: a file system that only another mount namespace has may lie on any disk of the set, and was not frozen. Try again when the machine is less busy.';
    case 'not-read':
      return `What is mounted could not be read after the thaw (${gap.error}): a file system that was mounted after the plan was made may lie on any disk of the set, and was not frozen. Remove the cause, then try again.`;
    case 'foreign':
      return gap.because === undefined
        ? `The content of ${gap.blob} matches none of this machine's disks: its snapshot does not belong to the set.`
        : `${gap.blob} can be none of this machine's disks that have no other blob (${gap.because}): its snapshot does not belong to the set.`;
    case 'surplus':
      return describeSurplus(gap);
    case 'moved':
      return `${gap.mountPoint} was moved to other disks (${gap.disks.join(', ')}) after the plan was made: the snapshots are not consistent. Wait until the move is finished, then try again.`;
    case 'host-answers':
      return `Incomplete: the host reported ${gap.answers} snapshots, but the VM has ${gap.disks} disks.`;
  }
}

function describeMissing({
  missing,
  coveredAtMost,
  frozen,
  isTolerated,
  isManaged,
}: Extract<SetGap, { kind: 'missing-disks' }>): string {
  const have = frozen - missing.length + coveredAtMost;
  const names = missing.map(({ path, mountPoints }) => `${path} (${mountPoints.join(', ')})`);
  const what = isManaged ? 'managed disks' : 'blobs';
  const none = isManaged ? 'no managed disk is in the set' : 'no blob is given';
  const which =
    coveredAtMost === 0
      ? `${none} for ${names.join(', ')}`
      : `the ${what} of unknown ${isManaged ? 'devices' : 'disks'} can belong to at most ${coveredAtMost} of ${names.join(', ')}`;
  return isTolerated
    ? `Snapshots of ${have} of ${frozen} frozen disks are taken, as requested: ${which}.`
    : `Incomplete: snapshots of ${have} of ${frozen} frozen disks are taken; ${which}. ${isManaged ? 'Look at the warnings for the reason' : 'Give the missing blobs'}, leave the file systems out (--skip), or accept an incomplete set (--partial).`;
}

function describeSurplus({ blobs, disks }: Extract<SetGap, { kind: 'surplus' }>): string {
  const extra = blobs.length - disks.length;
  const which =
    disks.length === 0
      ? `${blobs.join(', ')} can be none of this machine's disks that have no other blob`
      : `${blobs.join(', ')} are ${blobs.length} blobs, but by their content they can only be ${disks.join(', ')}: at least ${extra} of them ${extra === 1 ? 'is' : 'are'} of no disk of this machine, and it is unknown which`;
  return `${which}. Remove what does not belong to this machine from the list of blobs.`;
}

const BECAUSE: Readonly<Record<LeftOutReason, string>> = {
  'read-only': 'was read-only when the plan was made',
  network: 'is a network file system',
  pseudo: 'is a pseudo file system of the kernel',
  'temporary-disk': 'lies on the temporary disk',
  skipped: 'is named by --skip or MountsToSkip',
  'not-selected': 'is not named by --mount',
  'not-freezable': 'has a type that the kernel cannot freeze',
  'no-block-device': 'shows no block device below it',
  hidden: 'is covered by another mount',
  'other-namespace': 'is mounted only in another mount namespace',
  'no-mount':
    'has no visible mount (it was unmounted while files were open, or only a descriptor or a mount namespace without a process has it)',
  'no-answer': 'did not answer when its mount point was opened',
  dead: 'was shut down by the kernel after an error',
  'not-openable': 'has no mount point that can be opened',
  'mounted-since': 'was mounted after the plan was made',
};
