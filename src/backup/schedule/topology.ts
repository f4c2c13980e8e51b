import type { FireRule } from '../../config/vmbackup.ts';
import type { Plan } from '../../filesystems/plan-types.ts';
import type { ScheduleInput } from './schedule-types.ts';

/**
 * Makes the input of the schedule from plan and matching.
 *
 * `diskOfTarget` gives for each target the kernel name of the disk behind it, or undefined if the disk is unknown. A
 * target of an unknown disk may be any disk: it needs every file system frozen. So does a disk without a file system of
 * the plan: its snapshot shows the common instant only if it is taken after the barrier.
 *
 * A file system whose disk belongs to no known target may lie behind any target of an unknown disk: it awaits every
 * answer. If the disks of all targets are known, such a disk is not part of this snapshot. The exception is a disk whose
 * content may lie on any disk of the set, because nothing shows where it is stored (a ZFS volume): every target needs its
 * file systems frozen.
 */
export function scheduleInput(
  plan: Plan,
  diskOfTarget: readonly (string | undefined)[],
  { fire, sequential }: { readonly fire: FireRule; readonly sequential: boolean },
): ScheduleInput {
  const everything = plan.fileSystems.map((_, index) => index);
  const everyTarget = diskOfTarget.map((_, index) => index);
  const knownDisks = new Set(diskOfTarget.filter((disk) => disk !== undefined));
  const allKnown = !diskOfTarget.includes(undefined);
  const elsewhere = disksElsewhere(plan, diskOfTarget);
  const awaitsAll = (disks: readonly string[]): boolean =>
    disks.some((disk) => elsewhere.has(disk)) ||
    (!allKnown && (disks.length === 0 || disks.some((disk) => !knownDisks.has(disk))));
  return {
    waves: plan.waves,
    sequential,
    targets: diskOfTarget.map((disk) => {
      const isBare = !plan.fileSystems.some(({ disks }) => disks.includes(disk ?? ''));
      const needs =
        disk === undefined || isBare || fire === 'barrier'
          ? everything
          : fileSystemsOn(plan, disk, elsewhere);
      return { needs };
    }),
    fileSystems: plan.fileSystems.map(({ disks }, index) => ({
      awaits: awaitsAll(disks)
        ? everyTarget
        : everyTarget.filter((target) => disks.includes(diskOfTarget[target] ?? '')),
      thawsAfter: plan.thawsAfter[index] ?? [],
    })),
  };
}

/**
 * Indexes of the file systems that may lie on a target: those on its disk and those whose place is not shown, or, if its
 * disk is unknown, those on a disk that belongs to no known target. Its snapshot is judged by these, and each of them
 * awaits its answer. Empty for a disk that none of them may lie on.
 */
export function fileSystemsBehind(
  plan: Plan,
  diskOfTarget: readonly (string | undefined)[],
  target: number,
): number[] {
  const disk = diskOfTarget[target];
  if (disk !== undefined) {
    return fileSystemsOn(plan, disk, disksElsewhere(plan, diskOfTarget));
  }
  const isUnknown = (it: string): boolean => !diskOfTarget.includes(it);
  return plan.fileSystems.flatMap(({ disks }, index) =>
    disks.length === 0 || disks.some(isUnknown) ? [index] : [],
  );
}

/** The disks whose content may lie on any target; a target of its own shows where one lies. */
function disksElsewhere(
  { disks }: Plan,
  diskOfTarget: readonly (string | undefined)[],
): ReadonlySet<string> {
  const elsewhere = disks.filter(
    ({ isElsewhere, name }) => isElsewhere && !diskOfTarget.includes(name),
  );
  return new Set(elsewhere.map(({ name }) => name));
}

/** Those that lie on the disk, and those whose place is not shown. */
function fileSystemsOn(plan: Plan, disk: string, elsewhere: ReadonlySet<string>): number[] {
  return plan.fileSystems.flatMap(({ disks }, index) =>
    disks.some((it) => it === disk || elsewhere.has(it)) ? [index] : [],
  );
}
