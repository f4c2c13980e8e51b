import type { DiskContent, UnmatchedReason } from './match-blobs.ts';
import { type Content, objectionTo } from './pair.ts';

/**
 * The disks that an unmatched blob may be behind, in order: nothing known speaks against these. What the reason
 * itself names counts although something does. Pure.
 *
 * @param free disks that no other blob is matched to
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
