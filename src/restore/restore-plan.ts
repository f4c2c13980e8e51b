import { FlashfreezeError } from '../errors.ts';
import type { RestorePoint, StoredMember, Worth } from '../restore-points/restore-point.ts';

/** What a restore point may be worth without being restored unless the caller accepts that. */
export const ACCEPTABLE = ['incomplete', 'inconsistent', 'notRecorded'] as const satisfies Worth[];
export type Acceptable = (typeof ACCEPTABLE)[number];

/** A disk to be made from a snapshot. */
export interface PlannedDisk {
  readonly member: StoredMember;
  /** Of the new blob or managed disk. */
  readonly name: string;
}

export interface RestorePlan {
  readonly point: RestorePoint;
  /** The OS disk, then by LUN, then by position. */
  readonly disks: readonly PlannedDisk[];
  /** Positions of the restore point that have no snapshot. */
  readonly missing: readonly number[];
}

export interface RestoreWishes {
  /** Undefined: made of the host and the time. */
  readonly prefix: string | undefined;
  readonly accept: Acceptable | undefined;
}

const REASONS: Readonly<Record<Acceptable, string>> = {
  incomplete: 'a snapshot of it is missing',
  inconsistent: 'its run recorded that its snapshots cannot be restored together',
  notRecorded: 'nothing says whether its snapshots show one instant',
};

/** Longest name of a managed disk. */
const MOST_CHARACTERS = 80;

/**
 * Decides which new disk each snapshot of a restore point becomes. The names are the same each time, so that a restore can be
 * called again. Pure.
 *
 * @throws FlashfreezeError FF_RESTORE_POINT_UNUSABLE, FF_USAGE
 */
export function planRestore(point: RestorePoint, { prefix, accept }: RestoreWishes): RestorePlan {
  requireUsable(point, accept);
  const start = prefix ?? defaultPrefix(point);
  const used = new Set<string>();
  const disks = [...point.members].sort(byPlace).map((member): PlannedDisk => {
    const plain = nameOf(member, start, '');
    const name = used.has(plain.toLowerCase())
      ? nameOf(member, start, `-disk${member.membership.position}`)
      : plain;
    used.add(name.toLowerCase());
    return { member, name };
  });
  requireNames(disks);
  const present = new Set(point.members.map(({ membership }) => membership.position));
  const missing = Array.from({ length: point.count }, (_, index) => index + 1).filter(
    (position) => !present.has(position),
  );
  return { point, disks, missing };
}

function requireUsable(
  { id, worth, members, count }: RestorePoint,
  accept: Acceptable | undefined,
): void {
  const unusable = (text: string): FlashfreezeError =>
    new FlashfreezeError('FF_RESTORE_POINT_UNUSABLE', text);
  if (members.length === 0) {
    throw unusable(`restore point ${id} has no snapshot; expected one with at least one`);
  }
  if (worth !== 'complete' && worth !== accept) {
    throw unusable(
      `restore point ${id} is ${worth}: ${REASONS[worth]} (${members.length} of ${count} snapshots exist); expected a complete one. Choose another, or use --accept ${worth} if that is what you want`,
    );
  }
}

function defaultPrefix({ host, at }: RestorePoint): string {
  const stamp = at.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${inName(host) || 'restored'}-${stamp}-`;
}

function nameOf({ place, membership }: StoredMember, prefix: string, suffix: string): string {
  const { lun, device, position } = membership;
  const parts = [
    ...(lun === undefined ? [] : [lun === 'os' ? 'os' : `lun${lun}`]),
    ...(device === undefined ? [] : [inName(device.split('/').at(-1) ?? '')]),
  ].filter((part) => part !== '');
  const own = parts.length === 0 ? `disk${position}` : parts.join('-');
  const ending = place.kind === 'blob' ? (/\.vhd$/i.exec(place.url)?.[0] ?? '') : '';
  return `${prefix}${own}${suffix}${ending}`;
}

function inName(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_.-]/g, '-').slice(0, MOST_CHARACTERS / 2);
}

function byPlace(a: StoredMember, b: StoredMember): number {
  return (
    rank(a.membership.lun) - rank(b.membership.lun) || a.membership.position - b.membership.position
  );
}

function rank(lun: number | 'os' | undefined): number {
  return lun === 'os' ? -1 : (lun ?? 10_000);
}

const BLOB_NAME = /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*$/;
const DISK_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,78}[A-Za-z0-9_]$/;

function requireNames(disks: readonly PlannedDisk[]): void {
  for (const { name, member } of disks) {
    if (!(member.place.kind === 'blob' ? BLOB_NAME : DISK_NAME).test(name)) {
      throw new FlashfreezeError(
        'FF_USAGE',
        `--prefix: it would make the name ${name}; expected letters, digits, hyphens, underscores and periods (for blobs also folders, e.g. restored/db1-), at most ${MOST_CHARACTERS} characters for a managed disk`,
      );
    }
  }
}
