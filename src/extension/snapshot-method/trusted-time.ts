import type { PreSnapshot } from '../../snapshot/host/pre-snapshot.ts';

/**
 * The time of the host's clock, which is trusted more than the machine's own (host-api.md,
 * Pre-snapshot), or of the machine's clock if the host sent no time.
 *
 * @param nowNs CLOCK_MONOTONIC
 */
export function trustedNow(
  preSnapshot: Pick<PreSnapshot, 'responseTime' | 'receivedNs'> | undefined,
  nowNs: bigint = process.hrtime.bigint(),
): Date {
  const { responseTime, receivedNs = nowNs } = preSnapshot ?? {};
  return responseTime === undefined
    ? new Date()
    : new Date(responseTime.getTime() + Number(nowNs - receivedNs) / 1e6);
}

/** The host's time has whole seconds and a transfer time; a smaller difference is ignored. */
const SAME_TIME_MS = 2_000;

/**
 * A time of the host's clock, converted to this machine's clock: a scheduled start must not wait for
 * hours because a machine's clock runs on local time instead of UTC.
 */
export function onThisClock(
  time: Date,
  preSnapshot: Pick<PreSnapshot, 'responseTime' | 'receivedNs'> | undefined,
  now: Date = new Date(),
): Date {
  const aheadMs = now.getTime() - trustedNow(preSnapshot).getTime();
  return Math.abs(aheadMs) < SAME_TIME_MS ? time : new Date(time.getTime() + aheadMs);
}
