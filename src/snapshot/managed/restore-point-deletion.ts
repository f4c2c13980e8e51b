import { setTimeout as sleep } from 'node:timers/promises';
import { deadlineIn } from '../../system/stamps.ts';
import { headerText } from '../http/attempt.ts';
import type { ExchangeEnd } from '../http/exchange-end.ts';
import { parseRetryAfterMs } from '../http/retry.ts';
import type { DeleteOptions } from './delete-snapshot.ts';
import { pointPath } from './restore-point.ts';
import { RestorePointClient } from './restore-point-client.ts';
import { deniedIn } from './restore-point-failures.ts';
import { serviceErrorIn } from './service-error.ts';

/** It is optional clean-up and not worth more. */
const LIMIT_MS = 30_000;
const PAUSE_MS = 1_000;

/**
 * Deletes a restore point. Do not call it while anything is frozen.
 *
 * @param point its id
 * @returns undefined if the point is gone, otherwise the reason, without secrets
 */
export async function deleteRestorePoint(
  point: string,
  { origin, proxy, authorization }: DeleteOptions,
): Promise<string | undefined> {
  const path = pointPath(point);
  const client = new RestorePointClient(origin, proxy, '');
  client.authorize(authorization);
  const deadlineNs = deadlineIn(LIMIT_MS);
  const isLate = (): boolean => process.hrtime.bigint() > deadlineNs;
  try {
    for (;;) {
      const end = await client.ask(client.request('DELETE', path), LIMIT_MS);
      if (end?.kind === 'succeeded') {
        return end.answer.httpStatus === 202
          ? await goneUntil(isLate, () => client.ask(client.request('GET', path), LIMIT_MS))
          : undefined;
      }
      // Its operation may still be running.
      const isBusy = end?.kind === 'refused' && end.answer.httpStatus === 409;
      if (!isBusy || isLate()) {
        return reasonOf(end);
      }
      await sleep(PAUSE_MS);
    }
  } finally {
    client.close();
  }
}

async function goneUntil(
  isLate: () => boolean,
  ask: () => Promise<ExchangeEnd | undefined>,
): Promise<string | undefined> {
  for (;;) {
    const end = await ask();
    if (end?.kind === 'succeeded' && end.answer.httpStatus === 404) {
      return undefined;
    }
    if (isLate()) {
      return 'its deletion was accepted, but had not ended in time';
    }
    const answer = end !== undefined && 'answer' in end ? end.answer : undefined;
    const askedMs = parseRetryAfterMs(answer && headerText(answer.headers, 'retry-after'));
    await sleep(askedMs ?? PAUSE_MS);
  }
}

function reasonOf(end: ExchangeEnd | undefined): string {
  if (end?.kind === 'refused') {
    const { httpStatus, body } = end.answer;
    const error = serviceErrorIn(body);
    if (httpStatus === 403) {
      const denied = deniedIn(error?.message ?? '');
      return `the VM's identity lacks ${denied?.action ?? 'Microsoft.Compute/restorePointCollections/restorePoints/delete'}`;
    }
    return error?.code ?? `HTTP ${httpStatus}`;
  }
  return end?.kind === 'broken' ? end.code : 'no answer in time';
}
