import type { FileSystem, Plan } from '../../filesystems/plan-types.ts';

/**
 * The waves of a second attempt: file systems that were stuck are frozen before all others, because they usually waited
 * for a file system that was frozen earlier (freeze-facts.md, Stuck). Each gets its own wave, because two stuck file
 * systems may wait for each other. What needs one of them still comes before it.
 *
 * @param stuck indexes into `fileSystems`
 */
export function stuckFirst(
  plan: Ordered,
  waves: readonly (readonly number[])[],
  stuck: readonly number[],
): number[][] {
  const first: number[] = [];
  for (const index of waves.flat().filter((it) => stuck.includes(it))) {
    const before = dependentsOf(plan, waves, index);
    first.push(...[...before, index].filter((it) => !first.includes(it)));
  }
  const rest = waves
    .map((wave) => wave.filter((index) => !first.includes(index)))
    .filter((wave) => wave.length > 0);
  return [...first.map((index) => [index]), ...rest];
}

/** What the order of a plan's file systems depends on. */
export type Ordered = Pick<Plan, 'fileSystems' | 'dependents'>;

/** The file systems that need this one, directly or through others, in the order of the waves. */
export function dependentsOf(
  { fileSystems, dependents }: Ordered,
  waves: readonly (readonly number[])[],
  index: number,
): number[] {
  const known = dependents?.[index] ?? [];
  const images = imagesOn(fileSystems, waves, index);
  return waves.flat().filter((it) => known.includes(it) || images.includes(it));
}

function imagesOn(
  fileSystems: readonly FileSystem[],
  waves: readonly (readonly number[])[],
  holder: number,
): number[] {
  const isOn = (index: number, seen: readonly number[]): boolean => {
    const imageOn = fileSystems[index]?.imageOn;
    const next = fileSystems.findIndex(({ device }) => device === imageOn);
    return next === holder || (next !== -1 && !seen.includes(next) && isOn(next, [...seen, next]));
  };
  return waves.flat().filter((index) => index !== holder && isOn(index, [index]));
}
