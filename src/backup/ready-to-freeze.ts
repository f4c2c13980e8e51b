import { FlashfreezeError } from '../errors.ts';
import { requireNoMaintenance } from './btrfs-maintenance.ts';
import type { RunContext } from './context.ts';
import { type Guarded, guardAgain } from './guards.ts';
import { changeSince } from './verify-storage.ts';
import { flushAndRewarm, type Warm } from './warm-up.ts';

/** Limit of plans that are made because mounts have changed; a machine that mounts without a pause ends the run. */
const MAX_PLANS = 5;

/** A run that needs only to freeze. */
export interface Ready extends Guarded {
  readonly warm: Warm;
}

/**
 * The last step before the guardian is armed: flushes new dirty data, tests the connections, and looks once more whether
 * the plan describes the machine. If it does not, plans again.
 *
 * @param warmNs when the connections were tested; undefined: the window has not been rehearsed either
 * @throws FlashfreezeError FF_MOUNT_OPEN if mounts keep changing; others as `guardAgain`, `flushAndRewarm` and
 * `requireNoMaintenance`
 */
export async function readyToFreeze(
  context: RunContext,
  guarded: Guarded,
  warmNs: bigint | undefined,
): Promise<Ready> {
  const { selection, btrfsMaintenance } = context.request;
  let current = guarded;
  for (let plans = 1; ; plans += 1) {
    const { prepared } = current;
    const warm = await context.phase('rewarm', () =>
      context.unlessAborted(flushAndRewarm(context, prepared, warmNs)),
    );
    const change = await changeSince(prepared.plan, selection, prepared.freezer);
    if (change === undefined) {
      await requireNoMaintenance(btrfsMaintenance, prepared.plan, prepared.freezer);
      return { ...current, warm };
    }
    if (plans === MAX_PLANS) {
      throw new FlashfreezeError(
        'FF_MOUNT_OPEN',
        `${change} after the plan was made, for the ${MAX_PLANS}th time in this run; nothing was frozen. Find out what keeps mounting or unmounting it, or leave it out with --skip.`,
      );
    }
    context.note(`${change} after the plan was made: planning again`);
    current = await context.phase('prepare', () => guardAgain(context, current));
  }
}
