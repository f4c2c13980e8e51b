/** The upper limit of each wait; a timer counts to 24 days, and fires at once if its delay is longer. */
const MAX_MS = 24 * 3_600_000;

/**
 * The wait before the next poll: the interval, whatever the host answers (host-api.md, Polling service). After a
 * failure, half of it is random, so that the machines of a host that was down do not all poll at once.
 *
 * @param random from 0 to 1
 */
export function waitMs(intervalMs: number, hasFailed: boolean, random: number): number {
  const longestMs = Math.min(intervalMs, MAX_MS);
  return hasFailed ? longestMs * (0.5 + random / 2) : longestMs;
}
