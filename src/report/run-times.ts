import { basename } from 'node:path';

/** The clock of a machine that is not synchronized well is corrected by less. */
const FUTURE_AFTER_MS = 5 * 60_000;

/** An ISO time as the name of a run's file begins with: the order of such names is the order of time. */
export function stampOf(isoTime: string): string {
  return isoTime.replace(/[-:.]/g, '');
}

/** Whether the clock was ahead when this time was written, or is behind now: then nothing tells how old it is. */
export function isFuture(time: Date, now: Date): boolean {
  return time.getTime() > now.getTime() + FUTURE_AFTER_MS;
}

/** Paths of runs by the time that their names begin with, the newest first. Pure. */
export function byTime(
  paths: readonly string[],
  now: Date,
): { readonly past: readonly string[]; readonly future: readonly string[] } {
  const limit = stampOf(new Date(now.getTime() + FUTURE_AFTER_MS).toISOString());
  const sorted = paths.toSorted((a, b) => (basename(a) < basename(b) ? 1 : -1));
  const isFromFuture = (path: string): boolean => basename(path).slice(0, limit.length) > limit;
  return {
    past: sorted.filter((path) => !isFromFuture(path)),
    future: sorted.filter(isFromFuture),
  };
}
