import { FlashfreezeError } from '../errors.ts';
import { FREEZABLE_TYPES, isStacked, natureOfType } from './file-system-types.ts';
import type { Exclusion } from './plan-types.ts';

/** These lie on disks of their own that no mount shows. */
const POOLED = new Set(['zfs', 'bcachefs']);

/** Whether the kernel does not show on which disks a file system of this type lies. */
export function isPooled(type: string): boolean {
  return POOLED.has(type);
}

/**
 * A sentence for each file system that may be written to and that is not frozen although no option asked to leave it
 * out. What the kernel cannot freeze is in `unfreezableWarnings`.
 */
export function exclusionWarnings(excluded: readonly Exclusion[]): string[] {
  return excluded.flatMap(({ type, mountPoint, reason }) => {
    switch (reason) {
      case 'hidden':
        return [
          `${mountPoint} (${type}) is not frozen, because another mount lies over it; what still writes to it can be in a snapshot half done`,
        ];
      case 'no-answer':
        return [
          `${mountPoint} (${type}) is not frozen, because its mount point did not answer when it was opened: look at what it lies below (a FUSE daemon, a network mount) and at programs that are asked before files are opened; what is written to it can be in a snapshot half done`,
        ];
      case 'dead':
        return [
          `${mountPoint} (${type}) is not frozen, because the kernel has shut it down or made it read-only after an error: nothing can be written to it any more, and a snapshot shows it as after a power cut. Look at the kernel log and at its disk; then unmount it, check it, and mount it again`,
        ];
      case 'not-openable':
        return [
          `${mountPoint} (${type}) is not frozen, because none of its mount points can be opened: mount a directory of it where root can reach it; what is written to it can be in a snapshot half done`,
        ];
      case 'no-block-device':
        return [
          `${mountPoint} (${type}) is not frozen, because no block device under it is shown; what is written to it can be in a snapshot half done`,
        ];
      default:
        return [];
    }
  });
}

/** A sentence for each local, writable file system of a type that the kernel cannot freeze. */
export function unfreezableWarnings(excluded: readonly Exclusion[]): string[] {
  return excluded
    .filter(isUnfreezable)
    .map(
      ({ mountPoint, type }) =>
        `${mountPoint} (${type}) cannot be frozen: its disk shows the instant only if nothing is written to it meanwhile, and then as after a power cut`,
    );
}

function isUnfreezable({ type, reason, disks, isWritable }: Exclusion): boolean {
  const isLocal = disks.length > 0 || isPooled(type);
  return reason === 'not-freezable' && isWritable && isLocal && !isStacked(type);
}

/** The error for a machine, or a selection, in which nothing is left to freeze. */
export function nothingToFreeze(excluded: readonly Exclusion[]): FlashfreezeError {
  const suitable = excluded
    .filter(({ type }) => natureOfType(type) === 'freezable')
    .map(({ mountPoint, reason }) => `${mountPoint} (${reason})`);
  const why =
    suitable.length === 0
      ? `no file system that can be frozen is mounted (${FREEZABLE_TYPES} can)`
      : `of what is mounted, none is left: ${suitable.join(', ')}`;
  return new FlashfreezeError(
    'FF_NOTHING_TO_FREEZE',
    `There is no file system to freeze: ${why}. Look at the mount points asked for and at MountsToSkip.`,
  );
}
