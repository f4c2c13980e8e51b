import type { FireRule } from '../../config/vmbackup.ts';
import type { Plan } from '../../filesystems/model.ts';
import type { ScheduleInput } from './model.ts';

/**
 * Turns plan and matching into what the schedule needs.
 *
 * `diskOfTarget` gives for each target the kernel name of the disk behind it, undefined where that
 * is not known. An unknown target may be any disk: it needs everything frozen. So does a disk without
 * any file system of the plan, which shows the common instant only if it is taken after the barrier.
 * A file system on a disk that no target is known to be may lie behind any unknown target: it awaits every answer. Where
 * every target is known, such a disk is simply not part of this snapshot.
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
  const awaitsAll = (disks: readonly string[]): boolean =>
    !allKnown && (disks.length === 0 || disks.some((disk) => !knownDisks.has(disk)));
  return {
    waves: plan.waves,
    sequential,
    targets: diskOfTarget.map((disk) => {
      const own = fileSystemsBehind(plan, disk);
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
 * Indexes of the file systems that the content of a target depends on: those on its disk, or all of
 * them where its disk is not known. Empty for a disk without any file system of the plan.
 */
export function fileSystemsBehind(plan: Plan, disk: string | undefined): number[] {
  return plan.fileSystems.flatMap(({ disks }, index) =>
    disk === undefined || disks.includes(disk) ? [index] : [],
  );
}
