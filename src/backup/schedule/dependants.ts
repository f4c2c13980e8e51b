import type { Dependants, ScheduleInput } from './schedule-types.ts';

/** Inverts the relations of a schedule's input. */
export function dependantsOf({ fileSystems, targets }: ScheduleInput): Dependants {
  return {
    targetsOfFileSystem: inverted(
      targets.map(({ needs }) => needs),
      fileSystems.length,
    ),
    fileSystemsOfTarget: inverted(
      fileSystems.map(({ awaits }) => awaits),
      targets.length,
    ),
    fileSystemsAfter: inverted(
      fileSystems.map(({ thawsAfter }) => thawsAfter),
      fileSystems.length,
    ),
  };
}

/** For each of `count` indexes the positions in `lists` whose list has it, in order. */
function inverted(lists: readonly (readonly number[])[], count: number): number[][] {
  const positions = Array.from({ length: count }, (): number[] => []);
  for (const [position, list] of lists.entries()) {
    for (const index of list) {
      positions[index]?.push(position);
    }
  }
  return positions;
}
