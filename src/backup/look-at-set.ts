import type { Plan } from '../filesystems/model.ts';
import type { Preflight } from '../snapshot/model.ts';
import { type MatchRequest, matchTargets, setWishesOf } from './matching.ts';
import { describeGap } from './whole-set/gap.ts';
import { gapsOf, type SetMember } from './whole-set/gaps.ts';

/** What a run with these blobs would say of its set. */
export interface SetLook {
  readonly members: readonly SetMember[];
  /** Sentences for people: of blobs whose disks are not known, and of gaps. */
  readonly warnings: readonly string[];
}

/**
 * Matches blobs to disks and looks for gaps in their set, for commands that freeze nothing.
 *
 * @param names URLs without query, in the order of the blobs
 * @throws FlashfreezeError as `matchTargets` does
 */
export async function lookAtSet(
  request: MatchRequest,
  plan: Plan,
  preflights: readonly Preflight[],
  names: readonly string[],
): Promise<SetLook> {
  const warnings: string[] = [];
  const observer = { warn: (message: string) => warnings.push(message) };
  const tolerant = { ...request, foreignBlobs: 'doubt' as const };
  const behind = await matchTargets(tolerant, plan, preflights, names, observer);
  const members = behind.map((it, index) => ({ blob: names[index] ?? '', behind: it }));
  warnings.push(...gapsOf(plan, members, setWishesOf(tolerant)).map(describeGap));
  return { members, warnings };
}
