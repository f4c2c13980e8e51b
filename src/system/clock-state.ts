/** What is known of the difference between this machine's wall clock and true time. Plain data, as JSON outputs have it. */
export interface ClockState {
  readonly synchronized: boolean;
  /** Who says so. */
  readonly source: 'chrony' | 'kernel';
  /** How far the clock is ahead of true time; negative: behind. Null if the source does not say it. */
  readonly aheadMs: number | null;
  /** The difference is not larger than this, by the estimate of the source; null if the clock is not synchronized. */
  readonly maxErrorMs: number | null;
}

/** chronyd that has no source and serves its own clock (`local stratum`). */
const OWN_CLOCK = '7F7F0101';
const NUMBER = /^[+-]?\d+\.\d+$/;

/**
 * Reads what `chronyc -c tracking` prints: reference id, its name, stratum, time of the last update, seconds that the clock
 * is slow, last offset, its root mean square, frequency, residual frequency, skew, root delay, root dispersion, interval of
 * updates, leap status. The bound of the error is the one of its manual page. Pure.
 *
 * @returns undefined if the text is something else
 */
export function parseTracking(text: string): ClockState | undefined {
  const fields = text.trim().split(',');
  const [slow = '', delay = '', dispersion = ''] = [fields[4], fields[10], fields[11]];
  if (fields.length < 14 || ![slow, delay, dispersion].every((it) => NUMBER.test(it))) {
    return undefined;
  }
  const [reference, leap] = [fields[0], fields[13]];
  const synchronized = leap !== 'Not synchronised' && reference !== OWN_CLOCK;
  const boundS = Math.abs(Number(slow)) + Number(dispersion) + Number(delay) / 2;
  return {
    synchronized,
    source: 'chrony',
    // 0 - x, because −0 is no figure for people.
    aheadMs: synchronized ? 0 - toMs(Number(slow)) : null,
    maxErrorMs: synchronized ? toMs(boundS) : null,
  };
}

/** The answer of adjtimex(2). Pure. */
export function stateOfKernel({
  isUnsynchronized,
  maxErrorUs,
}: {
  readonly isUnsynchronized: boolean;
  readonly maxErrorUs: number;
}): ClockState {
  return {
    synchronized: !isUnsynchronized,
    source: 'kernel',
    aheadMs: null,
    maxErrorMs: isUnsynchronized ? null : maxErrorUs / 1_000,
  };
}

/** Milliseconds with three places. */
function toMs(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e3;
}

/** For people: `0.012 ms ahead of true time, at most 0.4 ms off (chrony)`. Pure. */
export function describeClock(clock: ClockState | undefined): string {
  if (clock === undefined) {
    return 'it is not known whether it is synchronized';
  }
  const source = clock.source === 'chrony' ? 'chrony' : 'by the estimate of the kernel';
  if (!clock.synchronized) {
    return `not synchronized (${source})`;
  }
  const { aheadMs, maxErrorMs } = clock;
  const side = aheadMs !== null && aheadMs < 0 ? 'behind' : 'ahead of';
  return [
    ...(aheadMs === null ? [] : [`${Math.abs(aheadMs)} ms ${side} true time`]),
    `at most ${maxErrorMs ?? 0} ms off (${source})`,
  ].join(', ');
}

/** What a run with a scheduled start has to say of the clock; undefined if it is synchronized. Pure. */
export function startWarning(clock: ClockState | undefined): string | undefined {
  return clock?.synchronized === true
    ? undefined
    : `the clock: ${describeClock(clock)}; the scheduled start is off by as much as the clock, and so is the instant that the result names. Enable chrony (chronyc tracking), or compare no times with other machines`;
}
