import type { Plan } from '../../filesystems/plan-types.ts';

/** What is known of the disks behind a target; disks are kernel names. */
export type Behind =
  /** Its blob belongs to this disk. */
  | { readonly kind: 'disk'; readonly disk: string }
  /** Its blob belongs to one of these disks; it is unknown to which. */
  | { readonly kind: 'one-of'; readonly disks: readonly string[] }
  /** It stands for all of these disks: the host takes their snapshots with one call. */
  | { readonly kind: 'all-of'; readonly disks: readonly string[] }
  /**
   * Its blob belongs to none of this machine's disks. `because`: what speaks against each of them, as a clause; missing if
   * its content is that of none.
   */
  | { readonly kind: 'foreign'; readonly because?: string }
  /** A command takes the snapshots, of unknown disks, while everything is frozen. */
  | { readonly kind: 'command' };

/** The target of one snapshot: its name and its disks. */
export interface Target {
  /** URL of the blob without its query, or the name of the host service or command. */
  readonly name: string;
  readonly behind: Behind;
}

/** For each target the kernel name of its disk; undefined if the disk is unknown. */
export function knownDisks(targets: readonly Target[]): (string | undefined)[] {
  return targets.map(({ behind }) => diskBehind(behind));
}

/** Nothing is known of the disk: its snapshot shows nothing, and no disk of the set is covered by it. */
export const UNKNOWN_DISK: Behind = { kind: 'one-of', disks: [] };

/** The disk behind a target, if it is known. */
export function diskBehind(behind: Behind): string | undefined {
  return behind.kind === 'disk' ? behind.disk : undefined;
}

/** The disks to which nothing may write between the request for a target and its answer. */
export function disksToWatch(behind: Behind): readonly string[] {
  switch (behind.kind) {
    case 'disk':
      return [behind.disk];
    case 'one-of':
    case 'all-of':
      return behind.disks;
    case 'foreign':
    case 'command':
      return [];
  }
}

/** Whether the plan freezes something on the disk and leaves out nothing that can write to it. */
export function isAllFrozen(
  { fileSystems, excluded }: Pick<Plan, 'fileSystems' | 'excluded'>,
  disk: string,
): boolean {
  return (
    fileSystems.some(({ disks }) => disks.includes(disk)) &&
    !excluded.some(({ isWritable, disks }) => isWritable && disks.includes(disk))
  );
}
