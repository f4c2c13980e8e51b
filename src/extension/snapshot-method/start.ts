/**
 * Longest lead of a task's start that is waited for. The service writes the time at which it issued the task, so a lead
 * is usually a difference of clocks: waiting for it only delays the backup. A start that is meant as a common instant of
 * several machines is near when the agents receive it. The host's answer carries whole seconds, and clocks that are
 * synchronised differ by less.
 */
export const LONGEST_WAIT_MS = 60_000;

export interface StartDecision {
  /** The start that the run waits for; undefined: it begins at once. */
  readonly startAt: Date | undefined;
  /** A sentence if a start that lies ahead is not waited for. */
  readonly warning: string | undefined;
}

/**
 * Whether a task waits for its start. A start that had passed when the task began is none: no run can be in time for it.
 *
 * @param begun when the task began, by the trusted clock
 */
export function decideStart(startAt: Date | undefined, begun: Date): StartDecision {
  const leadMs = startAt === undefined ? 0 : startAt.getTime() - begun.getTime();
  if (startAt === undefined || leadMs <= 0) {
    return { startAt: undefined, warning: undefined };
  }
  return leadMs <= LONGEST_WAIT_MS
    ? { startAt, warning: undefined }
    : {
        startAt: undefined,
        warning: `commandStartTimeUTCTicks is ${startAt.toISOString()}, ${Math.round(leadMs / 1_000)} s ahead of the clock; a start more than ${LONGEST_WAIT_MS / 1_000} s ahead is not waited for, and the snapshots are taken at once`,
      };
}
