import type { Plan } from '../filesystems/plan-types.ts';
import type { Preflight } from '../snapshot/snapshot-types.ts';
import { lookUpDisks, type MatchRequest, setWishesOf } from './matching.ts';
import { type Target, UNKNOWN_DISK } from './whole-set/behind.ts';
import { describeGap } from './whole-set/describe-gap.ts';
import { gapsOf } from './whole-set/find-gaps.ts';

/** The blobs matched to disks, with the warnings that a run would give. */
export interface SetLook {
  readonly targets: readonly Target[];
  /** Sentences on blobs whose disks are unknown, and on gaps in the set. */
  readonly warnings: readonly string[];
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
  warnings.push(...gapsOf(plan, targets, setWishesOf(request)).map(describeGap));
  return { targets, warnings };
}
