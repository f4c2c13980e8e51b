import type { UnmatchedReason } from './matching-types.ts';
import type { Contradiction } from './pair.ts';

/** Why a blob has no disk, as a clause after its name: `vhds/a.vhd: its content is all zeroes`. */
export function describeUnmatched(reason: UnmatchedReason): string {
  switch (reason.kind) {
    case 'unreadable':
      return `it could not be read (${reason.detail})`;
    case 'blank':
      return 'its beginning is all zeroes: a disk that was never partitioned or formatted';
    case 'unrecognized':
      return 'its beginning contains no known partition table, file system or volume';
    case 'dynamic-vhd':
      return 'it is a dynamic VHD: only fixed VHDs are disks';
    case 'ambiguous':
      return describeAmbiguity(reason.disks, reason.blobs);
    case 'contradicted':
      return `it looks like ${reason.disk}, but ${describeContradiction(reason.by)}${rescanOf(reason)}`;
    case 'taken':
      return `its content is that of ${reason.disk}, but another blob was named for that disk`;
    case 'misnamed':
      return describeMisnamed(reason);
    case 'doubted':
      return `it was named for ${reason.disk}, but another blob has the content of that disk`;
    case 'disk-unreadable':
      return `it matches no disk that could be read; unreadable: ${reason.disks.join(', ')} (${reason.because})`;
    case 'unread-rivals':
      return `its content is that of ${reason.disk}, but ${reason.rivals.join(', ')} could not be read and may be a clone of it`;
  }
}

/** A contradiction as a clause: `the sizes differ`. */
export function describeContradiction(by: Contradiction): string {
  switch (by) {
    case 'size':
      return 'the sizes differ';
    case 'content':
      return 'their contents differ';
    default:
      return `the ${by.replaceAll('-', ' ')} differs`;
  }
}

function describeMisnamed(reason: Extract<UnmatchedReason, { kind: 'misnamed' }>): string {
  const { disk, by, contentOf } = reason;
  const truth =
    contentOf.length === 0 ? rescanOf(reason) : `: its content is that of ${contentOf.join(', ')}`;
  return `it was named for ${disk}, but ${describeContradiction(by)}${truth}`;
}

/** What to do if the disk was made larger while the machine ran. */
function rescanOf({
  disk,
  isLarger,
}: Extract<UnmatchedReason, { kind: 'contradicted' | 'misnamed' }>): string {
  if (isLarger !== true) {
    return '';
  }
  const how = disk.startsWith('sd') ? `: echo 1 > /sys/class/block/${disk}/device/rescan` : '';
  return `, the blob being larger; if ${disk} was made larger, let the kernel read its size again${how}`;
}

function describeAmbiguity(disks: readonly string[], blobs: readonly number[]): string {
  return disks.length > 1
    ? `its content fits several disks (${disks.join(', ')}), which must be clones or mirrors`
    : `the content of ${disks.join()} is also that of other blobs (${blobs.length} in all), which must be clones or mirrors`;
}
