import type { BackupRecord } from '../record.ts';
import type { SetGap } from './describe-gap.ts';

/** How much of the machine the snapshots of a run protect. */
export interface Protection {
  /** Every disk that carries a frozen file system has a snapshot, and so has every other disk that was asked for. */
  readonly isComplete: boolean;
  /** Number of disks without a snapshot, those that were left out with `--partial` included. */
  readonly unprotected: number;
}

/** Counts the disks of which there is no snapshot. Undefined if a command ran in the window: its disks are unknown. Pure. */
export function protectionOf({
  disks,
  gaps,
}: Pick<BackupRecord, 'disks' | 'gaps'>): Protection | undefined {
  if (disks.some(({ behind }) => behind.kind === 'command')) {
    return undefined;
  }
  const named = new Set<string>();
  let others = 0;
  for (const gap of gaps) {
    for (const path of pathsWithout(gap)) {
      named.add(path);
    }
    if (gap.kind === 'missing-disks') {
      // The blobs of unknown disks belong to some of them.
      others -= gap.coveredAtMost;
    } else if (gap.kind === 'host-answers') {
      others += gap.disks - gap.answers;
    }
  }
  const untaken = disks.filter(({ answer }) => answer.snapshot === undefined).length;
  const unprotected = named.size + others + untaken;
  return { isComplete: unprotected === 0 && disks.length > 0, unprotected };
}

function pathsWithout(gap: SetGap): readonly string[] {
  if (gap.kind === 'missing-disks') {
    return gap.missing.map(({ path }) => path);
  }
  return gap.kind === 'half' ? gap.without : [];
}
