import * as v from 'valibot';
import type { ArmSession } from '../restore-points/arm-session.ts';
import type { ManagedService } from '../restore-points/managed-service.ts';
import {
  armPath,
  type DiskPointId,
  parseArmId,
  parseDiskPointId,
} from '../snapshot/managed/arm-id.ts';
import { jsonOf } from '../snapshot/managed/json-of.ts';
import { DISK_API_VERSION } from '../snapshot/managed/prepared-disk.ts';
import { pointPath } from '../snapshot/managed/restore-point.ts';
import { POINT_ACTIONS } from '../snapshot/managed/restore-point-failures.ts';
import { RESTORE_ACTIONS, RESTORE_OF_POINT_ACTIONS } from '../snapshot/managed/role.ts';
import { restoreFailure } from './restore-failures.ts';
import { readDiskPoint, readSource, type SourceFacts, unusableBecause } from './source-facts.ts';

/** What the service says of a source, and why no disk can be made of it now. */
export interface ReadSource {
  readonly source: SourceFacts | undefined;
  /** For people; undefined if a disk can be made of it. */
  readonly problem: string | undefined;
}

/**
 * Asks what a snapshot, or a disk in a restore point of a VM, is like.
 *
 * @param text its id
 */
export async function readManagedSource(
  session: ArmSession,
  service: ManagedService,
  text: string,
): Promise<ReadSource> {
  const ofPoint = parseDiskPointId(text);
  if (ofPoint !== undefined) {
    return await readOfPoint(session, service, ofPoint);
  }
  const id = parseArmId(text, 'snapshots');
  if (id === undefined) {
    return unknown('its id has not the expected form');
  }
  const end = await session.ask('GET', `${armPath(id)}?api-version=${DISK_API_VERSION}`);
  const source = end?.kind === 'succeeded' ? readSource(end.answer.body) : undefined;
  const purpose = { action: RESTORE_ACTIONS.readSnapshot, scope: text };
  return source === undefined
    ? unknown(restoreFailure(end, service.origin, purpose).message)
    : { source, problem: unusableBecause(source) };
}

const collectionSchema = v.object({ location: v.pipe(v.string(), v.minLength(1)) });

/** A disk in a restore point does not say where it lies, but its collection does. */
async function readOfPoint(
  session: ArmSession,
  { origin }: ManagedService,
  id: DiskPointId,
): Promise<ReadSource> {
  const collection = await session.ask('GET', pointPath(id.collection.text));
  const body = collection?.kind === 'succeeded' ? collection.answer.body : [];
  const place = v.safeParse(collectionSchema, jsonOf(Buffer.concat(body).toString('utf8')));
  if (!place.success) {
    const purpose = { action: POINT_ACTIONS.readCollection, scope: id.collection.text };
    return unknown(restoreFailure(collection, origin, purpose).message);
  }
  const end = await session.ask('GET', `${armPath(id)}?api-version=${DISK_API_VERSION}`);
  const source =
    end?.kind === 'succeeded' && end.answer.httpStatus === 200
      ? readDiskPoint(end.answer.body, place.output.location)
      : undefined;
  const purpose = { action: RESTORE_OF_POINT_ACTIONS.readDiskPoint, scope: id.text };
  return source === undefined
    ? unknown(restoreFailure(end, origin, purpose).message)
    : { source, problem: unusableBecause(source) };
}

function unknown(problem: string): ReadSource {
  return { source: undefined, problem };
}
