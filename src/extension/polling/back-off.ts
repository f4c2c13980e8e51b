/** The longest wait after failures, in intervals. */
const MAX_INTERVALS = 12;
/** The longest wait at all; a timer counts to 24 days, and is over at once if it is to count further. */
const MAX_MS = 24 * 3_600_000;

/**
 * How long to wait before the host is asked again: the interval; after failures in a row twice as long
 * for each, up to twelve intervals. Of that only half is certain, so that the machines of a host that
 * was down do not all come back at the same moment.
 *
 * @param random from 0 to 1
 */
export function waitMs(intervalMs: number, failures: number, random: number): number {
  const intervals = Math.min(2 ** failures, MAX_INTERVALS);
  const longestMs = Math.min(intervalMs * intervals, MAX_MS);
  return failures === 0 ? longestMs : longestMs * (0.5 + random / 2);
}
