import { earliest } from '../../system/stamps.ts';

/**
 * Puts the targets whose file systems have stood still for longest first. One after the other the requests
 * leave and are answered; so who waited most for the barrier waits least after it.
 *
 * @param fileSystemsOfTarget for each target the file systems that await its answer
 * @param freezeStartsNs of each file system; undefined where it is not known
 */
export function longestFirst(
  targets: readonly number[],
  fileSystemsOfTarget: readonly (readonly number[])[],
  freezeStartsNs: readonly (bigint | undefined)[],
): number[] {
  const since = new Map(
    targets.map((target) => {
      const starts = (fileSystemsOfTarget[target] ?? []).map((index) => freezeStartsNs[index]);
      return [target, earliest(starts)];
    }),
  );
  return targets.toSorted((a, b) => ascending(since.get(a), since.get(b)));
}

/** What is not known comes last: nobody is known to wait for it. */
function ascending(a: bigint | undefined, b: bigint | undefined): number {
  if (a === undefined || b === undefined) {
    return Number(a === undefined) - Number(b === undefined);
  }
  return a < b ? -1 : Number(a > b);
}
