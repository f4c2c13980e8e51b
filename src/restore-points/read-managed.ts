import * as v from 'valibot';
import { FlashfreezeError } from '../errors.ts';
import { parseArmId } from '../snapshot/managed/arm-id.ts';
import { jsonOf } from '../snapshot/managed/json-of.ts';
import { DISK_API_VERSION } from '../snapshot/managed/prepared-disk.ts';
import { ArmSession } from './arm-session.ts';
import { nextPath, refused } from './managed-pages.ts';
import type { ManagedService } from './managed-service.ts';
import { membershipIn } from './membership.ts';
import { readVmPoints, type VmPointInventory } from './read-managed-points.ts';
import type { StoredMember } from './restore-point.ts';

/** A snapshot of a managed disk as the resource manager lists it. */
export interface ManagedSnapshot {
  readonly id: string;
  readonly name: string;
  readonly sourceDisk: string;
  readonly takenAt: Date;
  readonly sizeBytes: number;
  readonly tags: Readonly<Record<string, string>>;
}

const snapshotSchema = v.object({
  id: v.string(),
  name: v.string(),
  tags: v.nullish(v.record(v.string(), v.string()), {}),
  properties: v.object({
    timeCreated: v.nullish(v.string(), ''),
    diskSizeBytes: v.nullish(v.number(), 0),
    creationData: v.nullish(v.object({ sourceResourceId: v.nullish(v.string(), '') })),
  }),
});
const pageSchema = v.object({ value: v.array(v.unknown()), nextLink: v.nullish(v.string(), '') });

/**
 * Lists the snapshots in a resource group, page by page. Do not call it while anything is frozen.
 *
 * @throws FlashfreezeError FF_DISK_REFUSED, FF_DISK_NOT_FOUND, FF_DISK_UNREACHABLE; the errors of `TokenKeeper`
 */
export async function* managedSnapshotPages(
  service: ManagedService,
): AsyncGenerator<readonly ManagedSnapshot[]> {
  const scope = `/subscriptions/${service.subscription}/resourceGroups/${encodeURIComponent(service.group)}`;
  using session = new ArmSession(service);
  let path: string | undefined =
    `${scope}/providers/Microsoft.Compute/snapshots?api-version=${DISK_API_VERSION}`;
  while (path !== undefined) {
    const { value, nextLink } = await page(session, service, path);
    yield value.flatMap((it) => snapshotIn(it) ?? []);
    path = nextPath(nextLink ?? '', service.origin, 'snapshots');
  }
}

async function page(
  session: ArmSession,
  service: ManagedService,
  path: string,
): Promise<v.InferOutput<typeof pageSchema>> {
  const end = await session.ask('GET', path);
  if (end?.kind !== 'succeeded' || end.answer.httpStatus === 404) {
    throw refused(end, service, 'snapshots', 'Microsoft.Compute/snapshots/read');
  }
  const parsed = v.safeParse(pageSchema, jsonOf(Buffer.concat(end.answer.body).toString('utf8')));
  if (!parsed.success) {
    throw new FlashfreezeError(
      'FF_DISK_REFUSED',
      `${service.origin}: the list of the snapshots in the resource group ${service.group} has not the expected form; try again`,
    );
  }
  return parsed.output;
}

/** An entry of another form is left out: nothing could be done with it. */
function snapshotIn(entry: unknown): ManagedSnapshot | undefined {
  const parsed = v.safeParse(snapshotSchema, entry);
  if (!parsed.success || parseArmId(parsed.output.id, 'snapshots') === undefined) {
    return undefined;
  }
  const { id, name, tags, properties } = parsed.output;
  const { timeCreated, diskSizeBytes, creationData } = properties;
  return {
    id,
    name,
    tags: tags ?? {},
    sourceDisk: creationData?.sourceResourceId ?? '',
    takenAt: new Date(timeCreated ?? ''),
    sizeBytes: diskSizeBytes ?? 0,
  };
}

/** What a resource group holds of restore points. */
export interface ManagedInventory extends VmPointInventory {
  /** Number of snapshots that say of no restore point that they belong to it. */
  readonly others: number;
}

/**
 * Reads the members of restore points in a resource group: snapshots, whose tags say what the runs recorded, and the disks in
 * restore points of VMs.
 *
 * @param progress called with the number of snapshots after every page
 * @throws FlashfreezeError as `managedSnapshotPages`
 */
export async function readManaged(
  service: ManagedService,
  progress: (snapshots: number) => void = () => {},
): Promise<ManagedInventory> {
  const members: StoredMember[] = [];
  let seen = 0;
  for await (const snapshots of managedSnapshotPages(service)) {
    members.push(...snapshots.flatMap((it) => memberOf(it) ?? []));
    seen += snapshots.length;
    progress(seen);
  }
  const others = seen - members.length;
  const ofVms = await readVmPoints(service);
  return { ...ofVms, members: [...members, ...ofVms.members], others };
}

function memberOf(snapshot: ManagedSnapshot): StoredMember | undefined {
  const { id, sourceDisk, takenAt, sizeBytes, tags } = snapshot;
  const membership = membershipIn(tags);
  return membership === undefined || Number.isNaN(takenAt.getTime())
    ? undefined
    : { place: { kind: 'managed', id, sourceDisk }, takenAt, sizeBytes, membership, values: tags };
}
