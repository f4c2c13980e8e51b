/** The longest wait after failures, in intervals. */
const MAX_INTERVALS = 12;
/** The upper limit of each wait; a timer counts to 24 days, and fires at once if its delay is longer. */
const MAX_MS = 24 * 3_600_000;

/**
 * The wait before the next poll: the interval; it doubles with each failure in a row, up to twelve
 * intervals. After a failure, half of it is random, so that the machines of a host that was down do not
 * all poll at once.
 *
 * @param random from 0 to 1
 */
export function waitMs(intervalMs: number, failures: number, random: number): number {
  const intervals = Math.min(2 ** failures, MAX_INTERVALS);
  const longestMs = Math.min(intervalMs * intervals, MAX_MS);
  return failures === 0 ? longestMs : longestMs * (0.5 + random / 2);
}
