import type { ReadAt } from './head-types.ts';
import type { VolumePart } from './volume-types.ts';

/** A part of a volume, and where it was found. */
export interface FoundPart {
  readonly part: VolumePart;
  /** Positions of the disks that it lies on: several if it lies in an array. */
  readonly disks: readonly number[];
  /** E.g. `partition 1`. */
  readonly where: string;
  /** Relative to the part. */
  readonly read: ReadAt;
}

/** A logical volume or an array: a device that may lie on several disks. */
export interface Volume {
  readonly name: string;
  /** Positions of these disks, the one with its first byte first. */
  readonly disks: readonly number[];
  readonly sizeBytes: number;
  /** Undefined if it cannot be read; `why` says the reason. */
  readonly read: ReadAt | undefined;
  readonly why?: string;
}

export interface DiskProblem {
  readonly disks: readonly number[];
  /** For people. */
  readonly text: string;
}

export interface Assembled {
  readonly volumes: readonly Volume[];
  readonly problems: readonly DiskProblem[];
}

/** What a part is, for people. Pure. */
export function describePart(part: VolumePart): string {
  if (part.kind === 'lvm') {
    const { group } = part;
    return group === undefined
      ? 'physical volume of LVM without metadata'
      : `physical volume of LVM, volume group ${group.name}, metadata number ${group.seqno}`;
  }
  const { role, memberCount, name, level, events } = part;
  const member = role === undefined ? 'inactive member' : `member ${role} of ${memberCount}`;
  return `${member} of md array ${name}, level ${level}, event count ${events}`;
}
