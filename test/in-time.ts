/** The longest limit is so many times the first one. */
const MOST = 16;

/**
 * The outcome of something that takes as long as the limit that it is given, and that has to get somewhere within it. A
 * quiet machine waits only for the first limit; if that was too short, the attempt is made again, with a longer one.
 *
 * @param firstS in seconds
 * @returns the first outcome that was in time, or the last one
 */
export async function inTime<Outcome>(
  firstS: number,
  attempt: (limitS: number) => Promise<Outcome>,
  isInTime: (outcome: Outcome) => boolean,
): Promise<Outcome> {
  for (let limitS = firstS; ; limitS *= 4) {
    const outcome = await attempt(limitS);
    if (isInTime(outcome) || limitS >= firstS * MOST) {
      return outcome;
    }
  }
}
