import type { Plan } from '../filesystems/plan-types.ts';
import type { Preflight } from '../snapshot/snapshot-types.ts';
import { lookUpDisks, type MatchRequest, setWishesOf } from './matching.ts';
import { type Target, UNKNOWN_DISK } from './whole-set/behind.ts';
import { describeGap, isFault, voidsSet } from './whole-set/describe-gap.ts';
import { gapsOf } from './whole-set/find-gaps.ts';

/** The blobs matched to disks, with the warnings that a run would give. */
export interface SetLook {
  readonly targets: readonly Target[];
  /** Sentences on blobs whose disks are unknown, and on gaps in the set. */
  readonly warnings: readonly string[];
  /** Those of `warnings` that make the whole set worthless. */
  readonly faults: readonly string[];
}

/**
 * Matches blobs to disks and looks for gaps in their set, for commands that freeze nothing.
 *
 * @throws FlashfreezeError as `lookUpDisks` does
 */
export async function lookAtSet(
  request: MatchRequest,
  plan: Plan,
  preflights: readonly Preflight[],
): Promise<SetLook> {
  const warnings: string[] = [];
  const observer = { warn: (message: string) => warnings.push(message) };
  const behind = await lookUpDisks(request.blobs, plan, preflights, observer);
  const targets = request.blobs.map(({ name }, index) => ({
    name,
    behind: behind[index] ?? UNKNOWN_DISK,
  }));
  const gaps = gapsOf(plan, targets, setWishesOf(request));
  warnings.push(...gaps.map(describeGap));
  const faults = gaps.filter((it) => isFault(it) && voidsSet(it)).map(describeGap);
  return { targets, warnings, faults };
}
