import type { QuiescePlan } from '../quiesce/quiesce-types.ts';
import { throwIfAborted } from '../system/abort.ts';
import { sleepUntil } from '../system/clock.ts';
import { earliest } from '../system/stamps.ts';

/** Flushing begins this long before a scheduled start: it may take 5 s, and connections idle little. */
export const FLUSH_AHEAD_MS = 5_500;
/** The last syncfs and the re-warming; more than both take on a machine that has just flushed. */
export const REWARM_AHEAD_MS = 400;
/** The window's preparations: they take some ms. */
export const ARM_AHEAD_MS = 30;

/**
 * When applications are quiesced: long before for what may take its time, shortly before for what holds others up
 * meanwhile. What takes longer delays the start.
 */
export function quiesceAheadMs(quiesce: QuiescePlan): number {
  const mayTakeLong = quiesce.kind !== 'database' || quiesce.workload.kind === 'postgres';
  return REWARM_AHEAD_MS + (mayTakeLong ? 2_600 : 400);
}

/** How well a run kept to the time that it was to begin at. */
export interface ScheduledStart {
  readonly askedFor: Date;
  /** Of the first FIFREEZE; negative: too early. Undefined where none was called. */
  readonly lateMs: number | undefined;
}

/** More than a busy machine is late by: something was not ready in time. */
const REMARKABLY_LATE_MS = 100;

/**
 * @param attempts the file systems of each attempt to freeze
 * @param now CLOCK_MONOTONIC and wall clock at the same moment
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
 * CLOCK_MONOTONIC and wall clock at the same moment. The latter is read at the turn of a millisecond, which takes
 * up to one: to the nanosecond Node.js has only the former.
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

/** A sentence for people where the start was not kept to; undefined where it was. */
export function lateness({ askedFor, lateMs }: ScheduledStart): string | undefined {
  return lateMs === undefined || lateMs < REMARKABLY_LATE_MS
    ? undefined
    : `the freeze started ${(lateMs / 1_000).toFixed(1)} s late (scheduled for ${askedFor.toISOString()}): preparation took too long, or it waited for a lock`;
}

/** A timer takes up to some ms to wake the event loop on a busy machine. */
const WAKE_AHEAD_MS = 4;

/**
 * Returns at the scheduled time, for the rest of which it keeps the processor: nothing is frozen yet,
 * and nothing else is to be done any more.
 */
export async function waitExactly(startAt: Date | undefined, abort: AbortSignal): Promise<void> {
  await waitForStart(startAt, WAKE_AHEAD_MS, abort);
  while (startAt !== undefined && Date.now() < startAt.getTime()) {
    // The wall clock may be set back meanwhile; then this waits as the sleep would have.
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
