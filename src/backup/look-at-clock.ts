import { startWarning } from '../system/clock-state.ts';
import { readClock } from '../system/read-clock.ts';
import type { RunContext } from './context.ts';

/**
 * Reads how far the wall clock may be off: the instant of the result is a time of this clock, and so is a scheduled start. A
 * run with a scheduled start warns if the clock is not synchronized.
 */
export async function lookAtClock(context: RunContext): Promise<void> {
  context.clock = await readClock();
  const warning = context.request.startAt === undefined ? undefined : startWarning(context.clock);
  if (warning !== undefined) {
    context.warnOnce(warning);
  }
}
