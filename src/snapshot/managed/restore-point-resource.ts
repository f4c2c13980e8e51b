import * as v from 'valibot';
import { isSameId } from './arm-id.ts';
import { jsonOf } from './json-of.ts';
import type { ChosenDisk } from './select-disks.ts';

const pointSchema = v.object({
  id: v.optional(v.string(), ''),
  name: v.optional(v.string(), ''),
  properties: v.object({
    provisioningState: v.optional(v.string(), ''),
    consistencyMode: v.optional(v.string(), ''),
    timeCreated: v.optional(v.string(), ''),
  }),
});

const collectionSchema = v.object({
  properties: v.object({
    source: v.nullish(v.object({ id: v.optional(v.string(), '') })),
    restorePoints: v.nullish(v.array(pointSchema), []),
  }),
});

/** What the service says of a collection, with the points in it. */
export type CollectionResource = v.InferOutput<typeof collectionSchema>['properties'];

/** Reads the answer about a collection; undefined if it has not the expected form. Pure. */
export function readCollection(body: readonly Uint8Array[]): CollectionResource | undefined {
  const parsed = v.safeParse(collectionSchema, jsonOf(Buffer.concat(body).toString('utf8')));
  return parsed.success ? parsed.output.properties : undefined;
}

const POINTS_PER_VM = 500;
/** Of one mode and VM, as the guide says; the support matrix says one in an hour. */
const POINTS_PER_HOUR = 3;
const HOUR_MS = 3_600_000;

/**
 * Why the collection cannot take another crash-consistent point of the VM now; undefined if nothing visible prevents it. Points
 * of the VM in other collections count for Azure too, but are not visible here. Pure.
 *
 * @param nowMs by the clock of the service
 */
export function collectionProblem(
  { source, restorePoints }: CollectionResource,
  collection: string,
  vm: string,
  nowMs: number,
): string | undefined {
  const points = restorePoints ?? [];
  const its = source?.id ?? '';
  if (!isSameId(its, vm)) {
    return `the collection ${collection} is of ${its === '' ? 'an unknown VM' : its}, not of this VM (${vm}): give another name with --restore-point`;
  }
  const running = points.find(({ properties }) => /^creating$/i.test(properties.provisioningState));
  if (running !== undefined) {
    return `the restore point ${running.name} of this VM is being created, and Azure makes only one at a time: try again when it has ended`;
  }
  if (points.length >= POINTS_PER_VM) {
    return `the collection ${collection} has ${points.length} restore points, and Azure keeps ${POINTS_PER_VM} of a VM: delete old ones`;
  }
  const recent = points
    .filter(({ properties }) => /^crashconsistent$/i.test(properties.consistencyMode))
    .map(({ properties }) => Date.parse(properties.timeCreated))
    .filter((createdMs) => createdMs > nowMs - HOUR_MS)
    .sort((a, b) => a - b);
  const first = recent.at(-POINTS_PER_HOUR);
  return first === undefined
    ? undefined
    : `${recent.length} restore points of this VM were made within the last hour, and Azure permits ${POINTS_PER_HOUR}: try again after ${new Date(first + HOUR_MS).toISOString()}`;
}

const diskSchema = v.nullish(
  v.object({
    managedDisk: v.nullish(v.object({ id: v.optional(v.string(), '') })),
    diskRestorePoint: v.nullish(v.object({ id: v.optional(v.string(), '') })),
  }),
);

const fullPointSchema = v.object({
  properties: v.object({
    ...pointSchema.entries.properties.entries,
    sourceMetadata: v.nullish(
      v.object({
        storageProfile: v.nullish(
          v.object({
            osDisk: diskSchema,
            dataDisks: v.nullish(v.array(diskSchema), []),
          }),
        ),
      }),
    ),
  }),
});

/** What the service says of a restore point after the thaw. */
export interface PointResource {
  readonly provisioningState: string;
  readonly consistencyMode: string;
  readonly timeCreated: string;
  readonly disks: readonly { readonly disk: string; readonly restorePoint: string }[];
}

/** Reads the answer about a point; undefined if it has not the expected form. Pure. */
export function readPoint(body: readonly Uint8Array[]): PointResource | undefined {
  const parsed = v.safeParse(fullPointSchema, jsonOf(Buffer.concat(body).toString('utf8')));
  if (!parsed.success) {
    return undefined;
  }
  const { provisioningState, consistencyMode, timeCreated, sourceMetadata } =
    parsed.output.properties;
  const { osDisk, dataDisks } = sourceMetadata?.storageProfile ?? {};
  const disks = [osDisk, ...(dataDisks ?? [])].flatMap((it) => {
    const disk = it?.managedDisk?.id ?? '';
    const restorePoint = it?.diskRestorePoint?.id ?? '';
    return disk === '' || restorePoint === '' ? [] : [{ disk, restorePoint }];
  });
  return { provisioningState, consistencyMode, timeCreated, disks };
}

/** The id of a disk in a point; undefined if the point does not contain the disk. Pure. */
export function restorePointOf(
  { disks }: Pick<PointResource, 'disks'>,
  { id }: Pick<ChosenDisk, 'id'>,
): string | undefined {
  return disks.find(({ disk }) => isSameId(disk, id.text))?.restorePoint;
}

/** How far the clocks of the service's parts may be apart. */
const CLOCK_TOLERANCE_MS = 5_000;

/**
 * Why an existing point of the requested name is not what this run requested; undefined if it is. Pure.
 *
 * @param requestedMs when the request left, by the clock of the service, at the earliest; undefined if it is not known
 */
export function strangeBecause(
  { consistencyMode, timeCreated }: Pick<PointResource, 'consistencyMode' | 'timeCreated'>,
  requestedMs: number | undefined,
): string | undefined {
  const createdMs = Date.parse(timeCreated);
  if (requestedMs !== undefined && createdMs < requestedMs - CLOCK_TOLERANCE_MS) {
    return `the point of this name is older than the request (${timeCreated})`;
  }
  return /^crashconsistent$/i.test(consistencyMode)
    ? undefined
    : `the point of this name has the mode ${consistencyMode === '' ? '(none)' : consistencyMode.slice(0, 40)}; expected CrashConsistent`;
}
