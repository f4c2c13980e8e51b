import type { FireRule } from '../../config/vmbackup.ts';
import type { Plan } from '../../filesystems/plan-types.ts';
import type { ScheduleInput } from './schedule-types.ts';

/**
 * Turns plan and matching into what the schedule needs.
 *
 * `diskOfTarget` gives for each target the kernel name of the disk behind it, undefined where that
 * is not known. An unknown target may be any disk: it needs everything frozen. So does a disk without
 * any file system of the plan, which shows the common instant only if it is taken after the barrier.
 * A file system on a disk that no target is known to be may lie behind any unknown target: it awaits every answer. If
 * every target is known, such a disk is simply not part of this snapshot; unless nothing shows where its content
 * is kept (a ZFS volume): then that may be on any disk of the set.
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
  const elsewhere = new Set(
    plan.disks.filter(({ isElsewhere }) => isElsewhere).map(({ name }) => name),
  );
  const awaitsAll = (disks: readonly string[]): boolean =>
    disks.some((disk) => elsewhere.has(disk) && !knownDisks.has(disk)) ||
    (!allKnown && (disks.length === 0 || disks.some((disk) => !knownDisks.has(disk))));
  return {
    waves: plan.waves,
    sequential,
    targets: diskOfTarget.map((disk) => {
      const own = disk === undefined ? [] : fileSystemsOn(plan, disk);
      return { needs: fire === 'barrier' || own.length === 0 ? everything : own };
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
 * Indexes of the file systems that may lie on a target: those on its disk; where that is not known, those
 * on a disk that no target is known to be. Its snapshot is judged by these, and each of them awaits its
 * answer. Empty for a disk without any file system of the plan.
 */
export function fileSystemsBehind(
  plan: Plan,
  diskOfTarget: readonly (string | undefined)[],
  target: number,
): number[] {
  const disk = diskOfTarget[target];
  if (disk !== undefined) {
    return fileSystemsOn(plan, disk);
  }
  const isUnknown = (it: string): boolean => !diskOfTarget.includes(it);
  return plan.fileSystems.flatMap(({ disks }, index) =>
    disks.length === 0 || disks.some(isUnknown) ? [index] : [],
  );
}

function fileSystemsOn(plan: Plan, disk: string): number[] {
  return plan.fileSystems.flatMap(({ disks }, index) => (disks.includes(disk) ? [index] : []));
}
