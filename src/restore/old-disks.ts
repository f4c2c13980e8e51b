import * as v from 'valibot';
import { ArmSession } from '../restore-points/arm-session.ts';
import type { ManagedService } from '../restore-points/managed-service.ts';
import { armPath, parseArmId } from '../snapshot/managed/arm-id.ts';
import { jsonOf } from '../snapshot/managed/json-of.ts';
import { DISK_API_VERSION } from '../snapshot/managed/prepared-disk.ts';
import { sharedProperties } from './source-facts.ts';

const WORD = /^[\w.-]{1,40}$/;

const diskSchema = v.object({
  sku: v.object({ name: v.pipe(v.string(), v.regex(WORD)) }),
  zones: v.nullish(v.array(v.pipe(v.string(), v.regex(WORD))), []),
  properties: v.object({
    ...sharedProperties,
    diskIOPSReadWrite: v.nullish(v.number()),
    diskMBpsReadWrite: v.nullish(v.number()),
    creationData: v.nullish(v.object({ logicalSectorSize: v.nullish(v.number()) })),
  }),
});

/** What a new disk should have like the old one. */
export interface OldDisk {
  readonly sku: string;
  /** Undefined if it is in no zone. */
  readonly zone: string | undefined;
  readonly properties: v.InferOutput<typeof diskSchema>['properties'];
}

/**
 * Asks what the disks are like that the snapshots were taken of. One that is gone, or that the identity may not read, is left
 * out.
 *
 * @param ids resource ids of disks
 */
export async function readOldDisks(
  service: ManagedService,
  ids: readonly string[],
): Promise<ReadonlyMap<string, OldDisk>> {
  const found = new Map<string, OldDisk>();
  using session = new ArmSession(service);
  for (const text of ids) {
    const id = parseArmId(text, 'disks');
    if (id !== undefined) {
      const end = await session.ask('GET', `${armPath(id)}?api-version=${DISK_API_VERSION}`);
      const disk = end?.kind === 'succeeded' ? oldDiskIn(end.answer.body) : undefined;
      if (disk !== undefined) {
        found.set(text, disk);
      }
    }
  }
  return found;
}

/** Undefined also for the answer 404. Pure. */
function oldDiskIn(body: readonly Uint8Array[]): OldDisk | undefined {
  const parsed = v.safeParse(diskSchema, jsonOf(Buffer.concat(body).toString('utf8')));
  if (!parsed.success) {
    return undefined;
  }
  const { sku, zones, properties } = parsed.output;
  return { sku: sku.name, zone: zones?.[0], properties };
}
