import * as v from 'valibot';
import type { ManagedService } from '../restore-points/managed-service.ts';
import { parseArmId } from '../snapshot/managed/arm-id.ts';
import { jsonOf } from '../snapshot/managed/json-of.ts';
import { ArmRequests } from '../snapshot/managed/prepared-disk.ts';
import { RestorePointClient } from '../snapshot/managed/restore-point-client.ts';

const READ_LIMIT_MS = 15_000;
const WORD = /^[\w.-]{1,40}$/;

/** What a new disk should have like the old one. */
export interface OldDisk {
  readonly sku: string;
  /** Undefined if it is in no zone. */
  readonly zone: string | undefined;
  readonly generation: string | undefined;
}

const diskSchema = v.object({
  sku: v.object({ name: v.pipe(v.string(), v.regex(WORD)) }),
  zones: v.nullish(v.array(v.pipe(v.string(), v.regex(WORD))), []),
  properties: v.object({
    hyperVGeneration: v.optional(v.pipe(v.string(), v.regex(WORD))),
  }),
});

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
  const client = new RestorePointClient(service.origin, service.proxy, '');
  try {
    for (const text of ids) {
      const id = parseArmId(text, 'disks');
      if (id !== undefined) {
        const requests = new ArmRequests(await service.tokens.forNow(), '');
        const end = await client.ask(requests.get(id), READ_LIMIT_MS);
        const disk = end?.kind === 'succeeded' ? oldDiskIn(end.answer.body) : undefined;
        if (disk !== undefined) {
          found.set(text, disk);
        }
      }
    }
  } finally {
    client.close();
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
  return { sku: sku.name, zone: zones?.[0], generation: properties.hyperVGeneration };
}
