import { type Disk, OS_DISK_LUN, type Plan } from '../filesystems/model.ts';
import type { Matching } from '../snapshot/matching/match-blobs.ts';

/**
 * What is frozen and will not be in the snapshots, as sentences. A blob that is matched to no disk may be
 * any of those without one; a foreign one is none. Pure.
 *
 * @param luns of the disks that are wanted, −1 for the OS disk; undefined: all. A disk whose LUN is not
 * known is then not missed.
 */
export function disksWithoutBlob(
  plan: Plan,
  { matches, unmatched }: Pick<Matching, 'matches' | 'unmatched'>,
  luns?: readonly number[],
): string[] {
  const matched = new Set(matches.map(({ disk }) => disk));
  const without = plan.disks
    .filter(({ role }) => role !== 'temporary')
    .filter((disk) => luns === undefined || isListed(disk, luns))
    .filter(({ name }) => !matched.has(name) && isFrozen(plan, name))
    .map(({ path }) => path);
  const missing = without.length - unmatched.length;
  if (missing <= 0) {
    return [];
  }
  return unmatched.length === 0
    ? without.map(
        (path) =>
          `${path} is frozen, but none of the blobs given is its: no snapshot is taken of it. ${REMEDY}`,
      )
    : [
        `${without.join(', ')} are frozen, but blobs were given of ${unmatched.length} of them at most: no snapshot is taken of the others. ${REMEDY}`,
      ];
}

const REMEDY = 'Give its blob, or leave its file systems out (--skip, MountsToSkip)';

function isListed({ lun, role }: Disk, luns: readonly number[]): boolean {
  return luns.includes(role === 'os' ? OS_DISK_LUN : (lun ?? Number.NaN));
}

/** Of an image in a file system that is not frozen the disk under that counts, not the loop device. */
function isFrozen({ fileSystems }: Plan, name: string): boolean {
  return fileSystems.some(
    ({ disks }) => disks.includes(name) && !(isLoop(name) && !disks.every(isLoop)),
  );
}

function isLoop(name: string): boolean {
  return name.startsWith('loop');
}
