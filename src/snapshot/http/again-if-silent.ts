import { earlierOf } from '../../system/stamps.ts';
import type { ExchangeEnd } from './exchange-end.ts';

/**
 * Asks, and once more if there was no complete answer in half of the time. If the peer is gone without closing the
 * connection, only the missing answer shows it. The exchange that was cut has dropped the connection, so the second one
 * makes another. For requests that change nothing, while nothing is frozen.
 *
 * @param ask must end by the time that it is given, of CLOCK_MONOTONIC
 * @param deadlineNs CLOCK_MONOTONIC
 */
export async function againIfSilent<Asked>(
  ask: (deadlineNs: bigint) => Promise<Asked>,
  endOf: (asked: Asked) => ExchangeEnd | undefined,
  deadlineNs: bigint,
): Promise<Asked> {
  const first = await ask(halfWayTo(deadlineNs));
  return isSilence(endOf(first)) ? await ask(deadlineNs) : first;
}

function isSilence(end: ExchangeEnd | undefined): boolean {
  return end?.kind === 'cut' && end.reason === 'timeout';
}

function halfWayTo(deadlineNs: bigint): bigint {
  const nowNs = process.hrtime.bigint();
  return earlierOf(nowNs + (deadlineNs - nowNs) / 2n, deadlineNs);
}
