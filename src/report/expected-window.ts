import type { ExpectedWindow } from './plan-summary.ts';

/** The facts that the estimate is based on. */
export interface WindowFactors {
  readonly fileSystems: number;
  readonly waves: number;
  /** Whether `/sys/kernel/rcu_expedited` can be set. */
  readonly canExpedite: boolean;
  /** Operations of the resource manager take the snapshots, not requests to page blobs. */
  readonly isManaged: boolean;
  /** Longest windows, in ms, of earlier complete runs of this kind that froze this number of file systems. */
  readonly earlierMaxMs: readonly number[];
}

/** Flushed and expedited, 64 ext4 freeze in 8 ms, 64 btrfs in 21 ms (freeze-facts.md, Cost). */
const FREEZE_MS_EACH = { low: 0.12, high: 0.35 };
const FREEZE_MS_LEAST = 1;
/** Duration of three grace periods that are not expedited; threads share them, waves do not. */
const GRACE_PERIODS_MS = { low: 24, high: 45 };
/** Time until a page blob's snapshot request from within its region is answered. */
const BLOB_ANSWER_MS = { low: 15, high: 100 };
/** Time until the operation that takes a managed disk's snapshot has ended (managed-disks.md); not measured against Azure. */
const OPERATION_MS = { low: 2_000, high: 10_000 };

/** How long the writers will probably be blocked, and why. */
export function expectWindow(factors: WindowFactors): ExpectedWindow {
  const { earlierMaxMs } = factors;
  if (earlierMaxMs.length > 0) {
    return {
      low: Math.min(...earlierMaxMs),
      high: Math.max(...earlierMaxMs),
      reasons: [
        `the longest windows of the last ${earlierMaxMs.length} complete runs over ${factors.fileSystems} file systems`,
      ],
    };
  }
  return estimate(factors);
}

function estimate({ fileSystems, waves, canExpedite, isManaged }: WindowFactors): ExpectedWindow {
  const answerMs = isManaged ? OPERATION_MS : BLOB_ANSWER_MS;
  const freeze = (each: number): number => Math.max(FREEZE_MS_LEAST * waves, each * fileSystems);
  const graceMs = (once: number): number => (canExpedite ? 0 : once * waves);
  return {
    low: Math.round(freeze(FREEZE_MS_EACH.low) + graceMs(GRACE_PERIODS_MS.low) + answerMs.low),
    high: Math.round(freeze(FREEZE_MS_EACH.high) + graceMs(GRACE_PERIODS_MS.high) + answerMs.high),
    reasons: [
      'an estimate, because no earlier run froze this number of file systems',
      `${fileSystems} ${fileSystems === 1 ? 'file system freezes' : 'file systems freeze'} in about ${Math.ceil(freeze(FREEZE_MS_EACH.high))} ms after the flush, in ${waves} ${waves === 1 ? 'wave' : 'waves'}`,
      canExpedite
        ? 'grace periods can be expedited'
        : 'grace periods cannot be expedited (/sys/kernel/rcu_expedited is not writable): 24 to 45 ms more for each wave',
      isManaged
        ? `assumption: Azure’s operations take ${answerMs.low} to ${answerMs.high} ms (not measured against Azure)`
        : `assumption: the service answers within ${answerMs.low} to ${answerMs.high} ms`,
    ],
  };
}
