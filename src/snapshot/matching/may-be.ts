import type { DiskContent, UnmatchedReason } from './matching-types.ts';
import { type Content, objectionTo } from './pair.ts';

/**
 * The disks that an unmatched blob may store, in order: those that nothing known contradicts, and those that the
 * reason itself names, even if something contradicts them. Pure.
 *
 * @param free disks that are not matched to another blob
 */
export function mayBe(
  reason: UnmatchedReason,
  blob: Content | undefined,
  free: readonly DiskContent[],
): string[] {
  const named = disksNamedIn(reason);
  return free
    .filter(
      (disk) =>
        named.includes(disk.name) || (blob !== undefined && objectionTo(blob, disk) === undefined),
    )
    .map(({ name }) => name)
    .sort();
}

function disksNamedIn(reason: UnmatchedReason): readonly string[] {
  switch (reason.kind) {
    case 'ambiguous':
    case 'disk-unreadable':
      return reason.disks;
    case 'contradicted':
    case 'taken':
    case 'doubted':
      return [reason.disk];
    case 'misnamed':
      return [reason.disk, ...reason.contentOf];
    case 'unread-rivals':
      return [reason.disk, ...reason.rivals];
    case 'unreadable':
    case 'blank':
    case 'unrecognized':
    case 'dynamic-vhd':
      return [];
  }
}
