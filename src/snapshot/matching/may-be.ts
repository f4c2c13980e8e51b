import type { DiskContent } from './matching-types.ts';
import { type Content, objectionTo } from './pair.ts';

/**
 * The disks that an unmatched blob may store, in order: those that nothing known contradicts. A disk that looks like it, or
 * that it was named for, is none of them if size or content speak against that. Pure.
 *
 * @param free disks that are not matched to another blob
 */
export function mayBe(blob: Content, free: readonly DiskContent[]): string[] {
  return free
    .filter((disk) => objectionTo(blob, disk) === undefined)
    .map(({ name }) => name)
    .sort();
}
