/** One file system of the plan, by its position in a list. */
export interface Dependent {
  /** Positions of the file systems that hold its images: frozen in later waves. */
  readonly holders: readonly number[];
  /** Some image of it is on what cannot be seen: any file system may be the one that holds it. */
  readonly hasHiddenHolder: boolean;
}

/**
 * Which wave each is frozen in, from 0: a file system in an image before the one that holds the
 * image (the other way round its FIFREEZE does not return: freeze-facts.md, Stuck). Where the holder
 * cannot be seen, before all that do not themselves lie in such an image: those could be the holder.
 *
 * Holders in a circle do not exist; given one, every member gets a wave of its own at the end.
 */
export function wavesOf(dependents: readonly Dependent[]): number[] {
  const waves = dependents.map(() => 0);
  const early = earlyOnes(dependents);
  raise(dependents, waves, early);
  const firstLate = early.size === 0 ? 0 : highest(waves) + 1;
  const late = new Set(dependents.keys().filter((index) => !early.has(index)));
  for (const index of late) {
    waves[index] = firstLate;
  }
  raise(dependents, waves, late);
  return waves;
}

/** Those with a hidden holder, and all in images on them. */
function earlyOnes(dependents: readonly Dependent[]): Set<number> {
  const inImagesOn = invert(dependents);
  const early = new Set<number>();
  for (const [index, { hasHiddenHolder }] of dependents.entries()) {
    if (hasHiddenHolder) {
      early.add(index);
    }
  }
  // A set can be added to while it is gone through.
  for (const index of early) {
    for (const dependent of inImagesOn[index] ?? []) {
      early.add(dependent);
    }
  }
  return early;
}

function invert(dependents: readonly Dependent[]): number[][] {
  const inImagesOn: number[][] = dependents.map(() => []);
  for (const [index, { holders }] of dependents.entries()) {
    for (const holder of holders) {
      inImagesOn[holder]?.push(index);
    }
  }
  return inImagesOn;
}

/** Raises the waves of `members` above those of what lies in images on them (Kahn's topological order). */
function raise(
  dependents: readonly Dependent[],
  waves: number[],
  members: ReadonlySet<number>,
): void {
  const holdersOf = (index: number): readonly number[] =>
    (dependents[index]?.holders ?? []).filter((holder) => members.has(holder));
  const pending = new Map([...members].map((index) => [index, 0]));
  for (const holder of [...members].flatMap(holdersOf)) {
    pending.set(holder, (pending.get(holder) ?? 0) + 1);
  }
  const ready = [...members].filter((index) => pending.get(index) === 0);
  // An array can be added to while it is gone through.
  for (const index of ready) {
    pending.delete(index);
    for (const holder of holdersOf(index)) {
      const left = (pending.get(holder) ?? 1) - 1;
      pending.set(holder, left);
      waves[holder] = Math.max(waves[holder] ?? 0, (waves[index] ?? 0) + 1);
      if (left === 0) {
        ready.push(holder);
      }
    }
  }
  const inCircles = [...pending.keys()];
  const above = highest(waves) + 1;
  for (const [offset, index] of inCircles.entries()) {
    waves[index] = above + offset;
  }
}

function highest(waves: readonly number[]): number {
  return waves.reduce((most, wave) => Math.max(most, wave), 0);
}
