import { earliest } from '../../system/stamps.ts';

/**
 * Sorts targets by how long their file systems have been frozen, longest first. Requests leave and are answered one
 * after the other, so file systems that waited longest for the barrier wait shortest after it.
 *
 * @param fileSystemsOfTarget for each target the file systems that await its answer
 * @param freezeStartNs the start of a file system's freeze; undefined if it is not known
 */
export function longestFirst(
  targets: readonly number[],
  fileSystemsOfTarget: readonly (readonly number[])[],
  freezeStartNs: (fileSystem: number) => bigint | undefined,
): number[] {
  const since = new Map(
    targets.map((target) => {
      const starts = (fileSystemsOfTarget[target] ?? []).map(freezeStartNs);
      return [target, earliest(starts)];
    }),
  );
  return targets.toSorted((a, b) => ascending(since.get(a), since.get(b)));
}

/** Undefined comes last: no frozen file system is known to wait for that target. */
function ascending(a: bigint | undefined, b: bigint | undefined): number {
  if (a === undefined || b === undefined) {
    return Number(a === undefined) - Number(b === undefined);
  }
  return a < b ? -1 : Number(a > b);
}
