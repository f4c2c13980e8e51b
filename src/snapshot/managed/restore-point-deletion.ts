import { deadlineIn } from '../../system/stamps.ts';
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
  try {
    return await deleteUntilGone(deadlineIn(DELETION_LIMIT_MS), {
      delete: () => client.ask(client.request('DELETE', path), DELETION_LIMIT_MS),
      get: () => client.ask(client.request('GET', path), DELETION_LIMIT_MS),
      reasonOf: (end) => reasonOf(end, (message) => deniedIn(message)?.action ?? DELETE_POINT),
    });
  } finally {
    client.close();
  }
}
