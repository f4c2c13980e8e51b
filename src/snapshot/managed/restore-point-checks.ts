import type { ExchangeEnd } from '../http/exchange-end.ts';
import type { RequestFailure } from '../snapshot-types.ts';
import { armPath } from './arm-id.ts';
import { failureOfDisk, isOfManager, withoutAnswer } from './disk-failures.ts';
import { collectionBody, type PreparedPoint, pointPath } from './restore-point.ts';
import type { RestorePointClient } from './restore-point-client.ts';
import { POINT_ACTIONS, type PointPurpose, pointFailureOfEnd } from './restore-point-failures.ts';
import { collectionProblem, readCollection } from './restore-point-resource.ts';
import {
  failureOfLock,
  failureOfRights,
  missingActions,
  RIGHTS_PATHS,
  readOnlyLock,
} from './rights.ts';
import { serviceErrorIn } from './service-error.ts';

type Client = Pick<RestorePointClient, 'origin' | 'request' | 'ask' | 'serverTimeOf'>;

/**
 * Proves, before anything is frozen, that the collection is of this VM and can take a point now, as far as that can be seen.
 * Makes the collection if there is none.
 *
 * @returns undefined if it can
 */
export async function collectionFailure(
  client: Client,
  point: PreparedPoint,
  limitMs: number,
): Promise<RequestFailure | undefined> {
  const { text } = point.collection;
  const purpose = { action: POINT_ACTIONS.readCollection, scope: text };
  const end = await client.ask(client.request('GET', pointPath(text, 'restorePoints')), limitMs);
  if (isAbsent(end)) {
    return await makeCollection(client, point, limitMs);
  }
  const failure = failureUnless(client, end, purpose, [200]);
  if (failure !== undefined || end?.kind !== 'succeeded') {
    return failure ?? withoutAnswer('aborted', client.origin);
  }
  const collection = readCollection(end.answer.body);
  if (collection === undefined) {
    return withoutAnswer('protocol', client.origin);
  }
  const nowMs = client.serverTimeOf(process.hrtime.bigint()) ?? Date.now();
  const problem = collectionProblem(collection, text, point.vm.text, nowMs);
  return problem === undefined ? undefined : failureOfDisk(problem);
}

async function makeCollection(
  client: Client,
  point: PreparedPoint,
  limitMs: number,
): Promise<RequestFailure | undefined> {
  const { text } = point.collection;
  const request = client.request('PUT', pointPath(text), collectionBody(point));
  const end = await client.ask(request, limitMs);
  const purpose = { action: POINT_ACTIONS.writeCollection, scope: text };
  const failure = failureUnless(client, end, purpose, [200, 201]);
  return failure === undefined
    ? undefined
    : {
        ...failure,
        message: `${failure.message}. The collection does not exist yet; it can also be made beforehand: az restore-point collection create --collection-name ${point.collection.name} --resource-group ${point.collection.group} --source-id <id of the VM>`,
      };
}

/**
 * Why the coming point cannot have its name; asking proves the connection, the token and the right to read.
 *
 * @param id of the point
 */
export async function nameFailure(
  client: Client,
  id: string,
  limitMs: number,
): Promise<RequestFailure | undefined> {
  const end = await client.ask(client.request('GET', pointPath(id)), limitMs);
  if (end?.kind === 'succeeded' && end.answer.httpStatus === 200 && isOfManager(end.answer)) {
    return failureOfDisk(
      `a restore point ${id} exists already; give another --name-prefix, or try again`,
    );
  }
  return failureUnless(client, end, { action: POINT_ACTIONS.readPoint, scope: id }, [404]);
}

/**
 * Why the point cannot be made although it may be read, as far as the identity may see its rights and the locks. What is hidden
 * from it shows only when the point is requested.
 */
export async function rightsFailure(
  client: Client,
  { collection }: PreparedPoint,
  limitMs: number,
): Promise<RequestFailure | undefined> {
  const look = async (path: string): Promise<readonly Uint8Array[]> => {
    const end = await client.ask(client.request('GET', `${armPath(collection)}${path}`), limitMs);
    return end?.kind === 'succeeded' && end.answer.httpStatus === 200 ? end.answer.body : [];
  };
  const needed = [POINT_ACTIONS.readPoint, POINT_ACTIONS.writePoint];
  const missing = missingActions(await look(RIGHTS_PATHS.permissions), needed);
  if (missing.length > 0) {
    return failureOfRights(missing, collection.text);
  }
  const lock = readOnlyLock(await look(RIGHTS_PATHS.locks), collection.text);
  return lock === undefined ? undefined : failureOfLock(lock);
}

/** The collection does not exist, but its resource group does. */
function isAbsent(end: ExchangeEnd | undefined): boolean {
  return (
    end?.kind === 'succeeded' &&
    end.answer.httpStatus === 404 &&
    isOfManager(end.answer) &&
    serviceErrorIn(end.answer.body)?.code !== 'ResourceGroupNotFound'
  );
}

function failureUnless(
  { origin }: Client,
  end: ExchangeEnd | undefined,
  purpose: PointPurpose,
  expected: readonly number[],
): RequestFailure | undefined {
  if (end?.kind === 'succeeded' && !isOfManager(end.answer)) {
    return withoutAnswer('protocol', origin);
  }
  return end?.kind === 'succeeded' && expected.includes(end.answer.httpStatus)
    ? undefined
    : pointFailureOfEnd(end, origin, purpose);
}
