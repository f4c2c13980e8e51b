import type { ScheduledStart } from '../task-types.ts';

/** Ticks of 1970-01-01T00:00Z. */
const UNIX_EPOCH = 621_355_968_000_000_000n;
/** Ticks of 9999-12-31T23:59:59.9999999Z, the last that .NET knows. */
const LAST = 3_155_378_975_999_999_999n;
const TICKS_PER_MS = 10_000n;

/**
 * Reads .NET ticks: 100 ns since 0001-01-01T00:00Z, a whole number in decimal digits. Undefined for
 * anything else; scientific notation has lost digits, and no start is guessed at.
 *
 * A part of a millisecond is rounded up: a freeze may begin at its time or after, not before.
 */
export function readTicks(text: string): ScheduledStart | undefined {
  const ticks = text.trim();
  if (!/^\d{1,19}$/.test(ticks) || BigInt(ticks) > LAST) {
    return undefined;
  }
  const sinceEpoch = BigInt(ticks) - UNIX_EPOCH;
  const whole = sinceEpoch / TICKS_PER_MS;
  const hasRest = sinceEpoch > whole * TICKS_PER_MS;
  return { ticks, at: new Date(Number(whole) + (hasRest ? 1 : 0)) };
}
