import * as v from 'valibot';
import { isSameId } from './arm-id.ts';
import { isCopiedInBackground } from './disk-limits.ts';
import { jsonOf } from './json-of.ts';

/** An incremental snapshot in the list of a resource group. */
export interface ListedSnapshot {
  /** Id of its disk. */
  readonly source: string;
  readonly createdMs: number;
  readonly isCopying: boolean;
}

const pageSchema = v.object({
  value: v.array(
    v.object({
      properties: v.object({
        incremental: v.optional(v.boolean(), false),
        timeCreated: v.optional(v.string(), ''),
        completionPercent: v.optional(v.number(), 100),
        creationData: v.object({ sourceResourceId: v.optional(v.string(), '') }),
      }),
    }),
  ),
  nextLink: v.nullish(v.string()),
});

/** Reads one page of the list; undefined if it has not the expected form. Pure. */
export function readSnapshotPage(
  body: readonly Uint8Array[],
):
  | { readonly snapshots: readonly ListedSnapshot[]; readonly nextLink: string | undefined }
  | undefined {
  const parsed = v.safeParse(pageSchema, jsonOf(Buffer.concat(body).toString('utf8')));
  if (!parsed.success) {
    return undefined;
  }
  const { value, nextLink } = parsed.output;
  const incremental = value.filter(({ properties }) => properties.incremental);
  return {
    snapshots: incremental.map(({ properties }) => ({
      source: properties.creationData.sourceResourceId,
      createdMs: Date.parse(properties.timeCreated),
      isCopying: properties.completionPercent < 100,
    })),
    nextLink: nextLink ?? undefined,
  };
}

/** What Azure permits for one disk. */
const LIMITS = { alive: 500, recent: 7, copying: 3 } as const;
const RECENT_MS = 5 * 60_000;

/** How many incremental snapshots a disk has, as far as the list shows them. */
export interface SnapshotCount {
  readonly alive: number;
  /** Of the last five minutes. */
  readonly recent: number;
  readonly copying: number;
}

/** @param nowMs by the clock of the service */
export function countSnapshots(
  list: readonly ListedSnapshot[],
  disk: string,
  nowMs: number,
): SnapshotCount {
  const own = list.filter(({ source }) => isSameId(source, disk));
  return {
    alive: own.length,
    recent: own.filter(({ createdMs }) => createdMs > nowMs - RECENT_MS).length,
    copying: own.filter(({ isCopying }) => isCopying).length,
  };
}

/** The limit that the next snapshot of the disk would break, as a sentence; undefined if there is none. Pure. */
export function brokenLimit(
  { alive, recent, copying }: SnapshotCount,
  disk: { readonly sku: string },
): string | undefined {
  if (alive >= LIMITS.alive) {
    return `it has ${alive} incremental snapshots, and Azure keeps ${LIMITS.alive} of a disk: delete old ones`;
  }
  if (recent >= LIMITS.recent) {
    return `${recent} incremental snapshots of it were made within five minutes, and Azure permits ${LIMITS.recent}: wait`;
  }
  return isCopiedInBackground(disk) && copying >= LIMITS.copying
    ? `Azure is still copying the data of ${copying} snapshots of it, and permits ${LIMITS.copying} of this kind of disk: wait`
    : undefined;
}

/** Pure. */
export function describeCount({ alive, recent }: SnapshotCount): string {
  return `${alive} of ${LIMITS.alive} incremental snapshots, ${recent} of ${LIMITS.recent} in the last five minutes`;
}
