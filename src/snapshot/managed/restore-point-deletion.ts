import { deadlineIn, millisecondsUntil } from '../../system/stamps.ts';
import type { ExchangeEnd } from '../http/exchange-end.ts';
import {
  DELETION_LIMIT_MS,
  type DeleteOptions,
  deleteUntilGone,
  reasonOf,
} from './delete-snapshot.ts';
import { pointPath } from './restore-point.ts';
import { RestorePointClient } from './restore-point-client.ts';
import { deniedIn } from './restore-point-failures.ts';

const DELETE_POINT = 'Microsoft.Compute/restorePointCollections/restorePoints/delete';

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
  const deadlineNs = deadlineIn(DELETION_LIMIT_MS);
  const ask = (method: 'DELETE' | 'GET'): Promise<ExchangeEnd | undefined> =>
    client.ask(client.request(method, path), Math.max(0, millisecondsUntil(deadlineNs)));
  try {
    return await deleteUntilGone(deadlineNs, {
      delete: () => ask('DELETE'),
      get: () => ask('GET'),
      reasonOf: (end) => reasonOf(end, (message) => deniedIn(message)?.action ?? DELETE_POINT),
    });
  } finally {
    client.close();
  }
}
