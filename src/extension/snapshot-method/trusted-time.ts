import type { PreSnapshot } from '../../snapshot/host/pre-snapshot.ts';

/**
 * What time it is by the host's clock, which is trusted more than the machine's own (host-api.md,
 * Pre-snapshot); by the machine's where the host said nothing.
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

/** The host's time has whole seconds, and travels; what differs by less is the same time. */
const SAME_TIME_MS = 2_000;

/**
 * A time of the host's clock, as this machine's clock will show it: a scheduled start must not wait for
 * hours because a machine keeps local time where it should keep UTC.
 */
export function onThisClock(
  time: Date,
  preSnapshot: Pick<PreSnapshot, 'responseTime' | 'receivedNs'> | undefined,
  now: Date = new Date(),
): Date {
  const aheadMs = now.getTime() - trustedNow(preSnapshot).getTime();
  return Math.abs(aheadMs) < SAME_TIME_MS ? time : new Date(time.getTime() + aheadMs);
}
