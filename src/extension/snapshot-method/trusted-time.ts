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
