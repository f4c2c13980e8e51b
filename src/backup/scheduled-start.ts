import type { QuiescePlan } from '../quiesce/quiesce-types.ts';
import { throwIfAborted } from '../system/abort.ts';
import { leftUntil, sleepUntil } from '../system/clock.ts';
import { earliest, nanoseconds } from '../system/stamps.ts';

/**
 * The run prepares this long before a scheduled start. From then on it keeps file systems mounted and connections open;
 * preparing takes some seconds on a busy machine with 64 disks.
 */
export const PREPARE_AHEAD_MS = 30_000;
/** With more time than this, the run first prepares to find what is wrong, and releases everything again. */
const FAR_AHEAD_MS = 45_000;
/** Flushing begins this long before a scheduled start: it may take 5 s, and connections do not idle for long. */
export const FLUSH_AHEAD_MS = 5_500;
/** Time for the last look, the last syncfs and the connection test; longer than they take on a machine that has just flushed. */
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

/**
 * When the wall clock is set back while the run holds file systems, locks and applications, it waits this much longer than it
 * would have: a clock that an NTP server corrects is hardly ever off by more, and a database may stand still meanwhile.
 */
const LONGER_AT_MOST_MS = 2_000;

/** The time at which a run is to begin to freeze. */
export interface Start {
  /** By the wall clock. */
  readonly at: Date;
  /** CLOCK_MONOTONIC; not later, whatever the wall clock shows. Undefined while the run holds nothing. */
  readonly latestNs: bigint | undefined;
}

/** The start of a run that holds something from now on. Pure. @param now both clocks at one moment */
export function limitedStart(
  at: Date,
  now: { readonly monotonicNs: bigint; readonly wallClockMs: number },
): Start {
  const aheadMs = Math.max(0, at.getTime() - now.wallClockMs);
  return { at, latestNs: now.monotonicNs + nanoseconds(aheadMs + LONGER_AT_MOST_MS) };
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

/** The wall clock is read to the millisecond, and may be slewed while the run waits. */
const REMARKABLY_EARLY_MS = 100;

/** A sentence if the run did not start in time; undefined if it did. */
export function unpunctuality({ askedFor, lateMs }: ScheduledStart): string | undefined {
  if (lateMs !== undefined && lateMs <= -REMARKABLY_EARLY_MS) {
    return `the freeze started ${(-lateMs / 1_000).toFixed(1)} s before the time for which it was scheduled (${askedFor.toISOString()}): the clock was set back meanwhile, and a run that holds file systems and applications does not wait for that`;
  }
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
export async function waitExactly(start: Start | undefined, abort: AbortSignal): Promise<void> {
  await waitForStart(start, WAKE_AHEAD_MS, abort);
  for (let leftMs = leftUntilStart(start); leftMs > 0; leftMs = leftUntilStart(start)) {
    // If the wall clock was set back meanwhile, sleep again.
    if (leftMs > WAKE_AHEAD_MS) {
      await waitForStart(start, WAKE_AHEAD_MS, abort);
    }
  }
}

/** In ms; 0 or less if the time has come, or there is none. */
export function leftUntilStart(start: Start | undefined): number {
  return start === undefined ? 0 : leftUntil(start.at.getTime(), start.latestNs);
}

/**
 * Resolves `aheadMs` before the scheduled time, or up to some ms later; at once if there is none.
 *
 * @throws FlashfreezeError FF_INTERRUPTED
 */
export async function waitForStart(
  start: Start | undefined,
  aheadMs: number,
  abort: AbortSignal,
): Promise<void> {
  if (start === undefined) {
    return;
  }
  const { at, latestNs } = start;
  try {
    await sleepUntil(
      at.getTime() - aheadMs,
      abort,
      latestNs === undefined ? undefined : latestNs - nanoseconds(aheadMs),
    );
  } catch (error) {
    throwIfAborted(abort);
    throw error;
  }
}
