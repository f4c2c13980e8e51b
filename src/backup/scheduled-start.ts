import { earliest } from '../system/stamps.ts';
import type { FileSystemTimes } from './record.ts';

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
  attempts: readonly (readonly Pick<FileSystemTimes, 'freezeStartNs'>[])[],
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
    : `the freeze began ${(lateMs / 1_000).toFixed(1)} s after ${askedFor.toISOString()}, for which it was asked: getting ready took longer than there was time, or something was waited for`;
}
