import { FlashfreezeError } from '../errors.ts';
import { deadlineIn } from '../system/stamps.ts';
import { requireNoMaintenance } from './btrfs-maintenance.ts';
import type { RunContext } from './context.ts';
import { type Guarded, guardAgain } from './guards.ts';
import type { Prepared } from './prepare.ts';
import { REWARM_AHEAD_MS, waitForStart } from './scheduled-start.ts';
import { changeSince } from './verify-storage.ts';
import { flushAndRewarm, type Warm } from './warm-up.ts';

/** Limit of plans that are made because mounts have changed; a machine that mounts without a pause ends the run. */
const MAX_PLANS = 5;

/** A run that needs only to freeze. */
export interface Ready extends Guarded {
  readonly warm: Warm;
}

/** If dirty data took longer than this to flush, the machine may have changed meanwhile. */
const LONG_FLUSH_MS = 1_000;

/**
 * The last step before the guardian is armed: looks once more whether the plan describes the machine, flushes new dirty
 * data, and tests the connections. If the plan does not describe it, plans again. The flush comes last, so that little has
 * become dirty when the freeze begins, and so that the threads which send requests have just done so.
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
  let current = guarded;
  for (let plans = 1; ; plans += 1) {
    await waitForStart(context.start, REWARM_AHEAD_MS, context.abort);
    const found = await warmUnlessChanged(context, current, warmNs);
    if (found.kind === 'ready') {
      return { ...current, warm: found.warm };
    }
    const { change } = found;
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

type Found =
  | { readonly kind: 'ready'; readonly warm: Warm }
  /** The beginning of a sentence. */
  | { readonly kind: 'changed'; readonly change: string };

async function warmUnlessChanged(
  context: RunContext,
  { prepared }: Guarded,
  warmNs: bigint | undefined,
): Promise<Found> {
  const before = await lookAgain(context, prepared);
  if (before !== undefined) {
    return { kind: 'changed', change: before };
  }
  const untilNs = deadlineIn(LONG_FLUSH_MS);
  const warm = await context.phase('rewarm', () =>
    context.unlessAborted(flushAndRewarm(context, prepared, warmNs)),
  );
  const after = process.hrtime.bigint() > untilNs ? await lookAgain(context, prepared) : undefined;
  return after === undefined ? { kind: 'ready', warm } : { kind: 'changed', change: after };
}

/** What has changed since the plan was made; undefined: nothing. */
async function lookAgain(
  { request: { selection, btrfsMaintenance } }: RunContext,
  { plan, freezer }: Prepared,
): Promise<string | undefined> {
  const change = await changeSince(plan, selection, freezer);
  if (change === undefined) {
    await requireNoMaintenance(btrfsMaintenance, plan, freezer);
  }
  return change;
}
