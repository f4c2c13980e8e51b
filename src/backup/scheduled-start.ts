import type { QuiescePlan } from '../quiesce/quiesce-types.ts';
import { throwIfAborted } from '../system/abort.ts';
import { sleepUntil } from '../system/clock.ts';
import { earliest } from '../system/stamps.ts';

/**
 * The run prepares this long before a scheduled start. From then on it keeps file systems mounted and connections open;
 * preparing takes some seconds on a busy machine with 64 disks.
 */
export const PREPARE_AHEAD_MS = 30_000;
/** With more time than this, the run first prepares to find what is wrong, and releases everything again. */
const FAR_AHEAD_MS = 45_000;
/** Flushing begins this long before a scheduled start: it may take 5 s, and connections do not idle for long. */
export const FLUSH_AHEAD_MS = 5_500;
/** Time for the last syncfs and the connection test; longer than both take on a machine that has just flushed. */
export const REWARM_AHEAD_MS = 400;
/** Time for the window's preparations, which take some ms. */
export const ARM_AHEAD_MS = 30;

/**
 * How long before the start applications are quiesced: long before if quiescing may take long, shortly before if a
 * quiesced application blocks its users. Quiescing that takes longer delays the start.
 */
export function quiesceAheadMs(quiesce: QuiescePlan): number {
  const mayTakeLong = quiesce.kind !== 'database' || quiesce.workload.kind === 'postgres';
  return REWARM_AHEAD_MS + (mayTakeLong ? 2_600 : 400);
}

/** Whether the start is so far ahead that preparing now would keep everything open for long. Pure. */
export function isFarAhead(startAt: Date | undefined, nowMs: number): boolean {
  return startAt !== undefined && startAt.getTime() - nowMs > FAR_AHEAD_MS;
}

/** The scheduled start of a run, and how late the run was. */
export interface ScheduledStart {
  readonly askedFor: Date;
  /** Delay of the first FIFREEZE; negative: too early. Undefined if none was called. */
  readonly lateMs: number | undefined;
}

/** A busy machine is late by less than this; if a run is later, something was not ready in time. */
const REMARKABLY_LATE_MS = 100;

/**
 * @param attempts the file systems of each attempt to freeze
 * @param now CLOCK_MONOTONIC and wall clock at one moment
 */
export function scheduledStart(
  askedFor: Date,
  attempts: readonly (readonly { readonly freezeStartNs: bigint | undefined }[])[],
  now: { readonly monotonicNs: bigint; readonly wallClockMs: number },
): ScheduledStart {
  const firstNs = earliest(attempts.flat().map(({ freezeStartNs }) => freezeStartNs));
  if (firstNs === undefined) {
    return { askedFor, lateMs: undefined };
  }
  const firstMs = now.wallClockMs - Number(now.monotonicNs - firstNs) / 1e6;
  return { askedFor, lateMs: Math.round((firstMs - askedFor.getTime()) * 1_000) / 1_000 };
}

/**
 * Reads CLOCK_MONOTONIC and the wall clock at one moment. It waits up to 1 ms for the wall clock's next millisecond:
 * Node.js reads only CLOCK_MONOTONIC to the nanosecond.
 */
export function bothClocks(): { readonly monotonicNs: bigint; readonly wallClockMs: number } {
  const begunMs = Date.now();
  for (;;) {
    const wallClockMs = Date.now();
    if (wallClockMs !== begunMs) {
      return { monotonicNs: process.hrtime.bigint(), wallClockMs };
    }
  }
}

/** A sentence if the run started late; undefined if it did not. */
export function lateness({ askedFor, lateMs }: ScheduledStart): string | undefined {
  return lateMs === undefined || lateMs < REMARKABLY_LATE_MS
    ? undefined
    : `the freeze started ${(lateMs / 1_000).toFixed(1)} s late (scheduled for ${askedFor.toISOString()}): preparation took too long, or it waited for a lock`;
}

/** A timer takes up to some ms to wake the event loop on a busy machine. */
const WAKE_AHEAD_MS = 4;

/**
 * Returns at the scheduled time. It busy-waits for the last milliseconds: nothing is frozen yet, and nothing else is
 * left to do.
 */
export async function waitExactly(startAt: Date | undefined, abort: AbortSignal): Promise<void> {
  await waitForStart(startAt, WAKE_AHEAD_MS, abort);
  while (startAt !== undefined && Date.now() < startAt.getTime()) {
    // If the wall clock was set back meanwhile, sleep again.
    if (startAt.getTime() - Date.now() > WAKE_AHEAD_MS) {
      await waitForStart(startAt, WAKE_AHEAD_MS, abort);
    }
  }
}

/**
 * Resolves `aheadMs` before the scheduled time, or up to some ms later; at once if there is none.
 *
 * @throws FlashfreezeError FF_INTERRUPTED
 */
export async function waitForStart(
  startAt: Date | undefined,
  aheadMs: number,
  abort: AbortSignal,
): Promise<void> {
  if (startAt === undefined) {
    return;
  }
  try {
    await sleepUntil(startAt.getTime() - aheadMs, abort);
  } catch (error) {
    throwIfAborted(abort);
    throw error;
  }
}
