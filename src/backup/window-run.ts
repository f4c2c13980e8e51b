import type { SnapshotAnswer } from '../snapshot/model.ts';
import { throwIfAborted } from '../system/abort.ts';
import { attempt, nanoseconds, type WatchedWindow } from './attempt.ts';
import { type Approached, rewarm, waitForStart } from './guards.ts';
import type { Phases } from './phases.ts';
import type { Prepared, Relays } from './prepare.ts';
import type { BackupRequest } from './request.ts';
import { stuckFirst } from './schedule/stuck-first.ts';
import { slowestFirst } from './settle.ts';
import type { WindowRecord } from './window.ts';

/** A second attempt with less time than this would only stall the writers once more. */
const LEAST_TIME_MS = 1_000;

/** The window's preparations, so long before a scheduled start: they take some ms. */
const START_AHEAD_MS = 30;

/** One attempt and what its requests came to. */
export interface Attempt extends WatchedWindow {
  readonly answers: readonly SnapshotAnswer[];
}

/** The attempts of a run, in order; only the last one counts. */
export interface Attempts {
  readonly last: Attempt;
  /** Broken because some file system did not freeze in time. */
  readonly earlier: readonly Attempt[];
}

/**
 * Opens the window; where a file system was stuck and there is time left, once more with the stuck
 * ones first (design, law 2). Between the two nothing is frozen.
 */
export async function attempts(
  request: BackupRequest,
  prepared: Prepared,
  relays: Relays,
  { guardian, settled }: Approached,
  phases: Phases,
  abort: AbortSignal,
): Promise<Attempts> {
  const startNs = scheduledNs(request.startAt);
  const deadlineNs = startNs + nanoseconds(request.timeoutMs);
  const tryOnce = async (waves: readonly (readonly number[])[]): Promise<Attempt> => {
    const armed = await phases.measure('arm', async () => {
      const freezer = await guardian?.arm(deadlineNs);
      await waitForStart(request.startAt, START_AHEAD_MS, abort);
      throwIfAborted(abort);
      return freezer;
    });
    const plan = { waves, settled, deadlineNs, armed };
    const window = await phases.measure('window', () =>
      attempt(request, prepared, relays, plan, abort),
    );
    return { ...window, answers: await prepared.taker.answers() };
  };
  const settleNs = settled.map(({ startNs, endNs }) => endNs - startNs);
  const waves = slowestFirst(prepared.waves, settleNs);
  const first = await tryOnce(waves);
  const stuck = stuckIn(first);
  const again = stuck.length > 0 && request.retryStuckFreeze && prepared.freezer.isSettled();
  if (!again || deadlineNs - process.hrtime.bigint() < nanoseconds(LEAST_TIME_MS)) {
    return { last: first, earlier: [] };
  }
  try {
    await rewarm(prepared);
    const reordered = stuckFirst(prepared.plan.fileSystems, waves, stuck);
    return { last: await tryOnce(reordered), earlier: [first] };
  } catch {
    // The second attempt could not be begun: the first is what there is to tell of.
    return { last: first, earlier: [] };
  }
}

/** The time of the first FIFREEZE on CLOCK_MONOTONIC: now, or the scheduled start. */
function scheduledNs(startAt: Date | undefined): bigint {
  const aheadMs = startAt === undefined ? 0 : Math.max(0, startAt.getTime() - Date.now());
  return process.hrtime.bigint() + nanoseconds(aheadMs);
}

/** The file systems that kept an attempt from reaching its barrier. */
export function stuckIn({ end, barrier }: WindowRecord): readonly number[] {
  return end.kind === 'deadline' && barrier === undefined ? end.stuck : [];
}
