import { mayLieAnywhere } from '../../filesystems/disks.ts';
import { type Disk, OS_DISK_LUN, type Plan } from '../../filesystems/plan-types.ts';
import { mostServed } from './assignment.ts';
import type { Target } from './behind.ts';

/** If the file system lies in an image, the disks under the image count, if there are any, not the loop device. */
export function disksToRestore(disks: readonly string[]): readonly string[] {
  const below = disks.filter((disk) => !disk.startsWith('loop'));
  return below.length === 0 ? disks : below;
}

/** Whether a list of LUNs, −1 for the OS disk, names the disk. */
export function isListed({ lun, role }: Disk, luns: readonly number[]): boolean {
  return luns.includes(role === 'os' ? OS_DISK_LUN : (lun ?? Number.NaN));
}

/** The disks that the set covers. */
export interface Coverage {
  /** Disks that are certainly in the set. */
  readonly covered: ReadonlySet<string>;
  /** Other disks whose content may lie on any disk of the set. */
  readonly elsewhere: ReadonlySet<string>;
  /** For each target of an unknown disk the disks that it may be. */
  readonly offers: readonly (readonly string[])[];
  /** Disks that carry a frozen file system but are not certainly in the set. */
  readonly uncovered: readonly string[];
  /** How many disks in `uncovered` the targets in `offers` can cover together. */
  readonly coveredAtMost: number;
}

export function coverageOf(plan: Plan, targets: readonly Target[]): Coverage {
  const covered = new Set(
    targets.flatMap(({ behind }) => {
      switch (behind.kind) {
        case 'disk':
          return [behind.disk];
        case 'all-of':
          return behind.disks;
        default:
          return [];
      }
    }),
  );
  const offers = targets.flatMap(({ behind }) => (behind.kind === 'one-of' ? [behind.disks] : []));
  const needed = new Set(plan.fileSystems.flatMap(({ disks }) => disksToRestore(disks)));
  const uncovered = [...needed].filter((disk) => !covered.has(disk));
  const elsewhere = new Set(
    [...plan.disks, ...(plan.otherDisks ?? [])]
      .filter((disk) => mayLieAnywhere(disk) && !covered.has(disk.name))
      .map(({ name }) => name),
  );
  return { covered, elsewhere, offers, uncovered, coveredAtMost: mostServed(uncovered, offers) };
}

/**
 * Makes the test whether the set contains every disk of a file system: as far as its disks have no certain target, the blobs of unknown
 * disks must suffice for all disks of the plan that have none, one each. What a command takes snapshots of is unknown, and
 * left to it. Pure.
 *
 * @param includedLuns as in `SetWishes`; if the list is empty, it is unknown which disks the host snapshots
 */
export function coveredBy(
  plan: Plan,
  targets: readonly Target[],
  includedLuns: readonly number[] | undefined,
): (disks: readonly string[]) => boolean {
  const kinds = new Set(targets.map(({ behind }) => behind.kind));
  if (kinds.has('command')) {
    return () => true;
  }
  const { covered, offers, uncovered } = coverageOf(plan, targets);
  const isChosenByHost = includedLuns?.length === 0 && kinds.has('all-of');
  const isWanted = (name: string): boolean => {
    const disk = plan.disks.find((it) => it.name === name);
    return includedLuns === undefined || disk === undefined || isListed(disk, includedLuns);
  };
  const ofOthers = uncovered.filter(isWanted);
  return (disks) => {
    const open = disksToRestore(disks).filter((disk) => isChosenByHost || !covered.has(disk));
    const wanted = [...new Set([...open, ...ofOthers])];
    return open.length === 0 || mostServed(wanted, offers) === wanted.length;
  };
}
