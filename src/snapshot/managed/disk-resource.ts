import * as v from 'valibot';
import { isSameId } from './arm-id.ts';
import { jsonOf } from './json-of.ts';
import type { DiskFacts, PreparedDisk } from './prepared-disk.ts';

const diskSchema = v.object({
  location: v.pipe(v.string(), v.minLength(1)),
  extendedLocation: v.nullish(v.object({ name: v.optional(v.string(), '') })),
  managedBy: v.nullish(v.string(), ''),
  properties: v.object({
    provisioningState: v.optional(v.string(), ''),
    diskState: v.optional(v.string(), ''),
    diskSizeBytes: v.optional(v.number()),
    maxShares: v.optional(v.number(), 1),
  }),
});

/** What the service says of a disk, as far as its snapshot needs it. */
export interface DiskResource extends DiskFacts {
  readonly sizeBytes: number | undefined;
  /** Such as Attached; empty if the service does not say it. */
  readonly state: string;
  /** Why no useful snapshot of the disk can be taken; undefined if one can. */
  readonly problem: string | undefined;
}

/** States of a disk that a running VM does not use, or whose content is not its own yet. */
const UNUSABLE = new Set(['unattached', 'readytoupload', 'activeupload']);

/** Reads the answer about a disk; undefined if it has not the expected form. Pure. */
export function readDiskResource(
  body: readonly Uint8Array[],
  { vm }: Pick<PreparedDisk, 'vm'>,
): DiskResource | undefined {
  const parsed = v.safeParse(diskSchema, jsonOf(Buffer.concat(body).toString('utf8')));
  if (!parsed.success) {
    return undefined;
  }
  const { location, extendedLocation, managedBy, properties } = parsed.output;
  const edgeZone = extendedLocation?.name ?? '';
  return {
    location,
    edgeZone: edgeZone === '' ? undefined : edgeZone,
    sizeBytes: properties.diskSizeBytes,
    state: properties.diskState,
    problem: problemOf(properties, managedBy ?? '', vm),
  };
}

function problemOf(
  { provisioningState, diskState, maxShares }: v.InferOutput<typeof diskSchema>['properties'],
  managedBy: string,
  vm: string | undefined,
): string | undefined {
  if (maxShares > 1) {
    return `up to ${maxShares} VMs share this disk (maxShares), and what the others write is not frozen: leave it out with --exclude-lun`;
  }
  if (managedBy !== '' && vm !== undefined && !isSameId(managedBy, vm)) {
    return `the disk is attached to ${managedBy}, not to this VM: it may have been moved a moment ago; try again`;
  }
  if (UNUSABLE.has(diskState.toLowerCase())) {
    return `the disk is in the state ${diskState}, not attached to a running VM; try again when it is`;
  }
  return /^failed$/i.test(provisioningState)
    ? `the last change of the disk ended with ${provisioningState}: repair it (az disk update), then try again`
    : undefined;
}

const snapshotSchema = v.object({
  properties: v.object({
    provisioningState: v.optional(v.string(), ''),
    timeCreated: v.optional(v.string(), ''),
    completionPercent: v.optional(v.number()),
    snapshotAccessState: v.optional(v.string()),
    creationData: v.object({ sourceResourceId: v.optional(v.string(), '') }),
  }),
});

/** What the service says of a snapshot after the thaw. */
export interface SnapshotResource {
  readonly provisioningState: string;
  readonly timeCreated: string;
  readonly completionPercent: number | undefined;
  readonly accessState: string | undefined;
  readonly source: string;
}

/** Reads the answer about a snapshot; undefined if it has not the expected form. Pure. */
export function readSnapshotResource(body: readonly Uint8Array[]): SnapshotResource | undefined {
  const parsed = v.safeParse(snapshotSchema, jsonOf(Buffer.concat(body).toString('utf8')));
  if (!parsed.success) {
    return undefined;
  }
  const { provisioningState, timeCreated, completionPercent, snapshotAccessState, creationData } =
    parsed.output.properties;
  return {
    provisioningState,
    timeCreated,
    completionPercent,
    accessState: snapshotAccessState,
    source: creationData.sourceResourceId,
  };
}

/** How far the clocks of the service's parts may be apart. */
const CLOCK_TOLERANCE_MS = 5_000;

/**
 * Why an existing snapshot of the requested name is not the one that this run requested; undefined if it is. A repeated
 * request for a name that exists succeeds without a new snapshot, and only the old time shows it. Pure.
 *
 * @param requestedMs when the request left, by the clock of the service, at the earliest; undefined if it is not known
 */
export function foreignBecause(
  { source, timeCreated }: SnapshotResource,
  disk: string,
  requestedMs: number | undefined,
): string | undefined {
  if (!isSameId(source, disk)) {
    return `the snapshot of this name is of ${source === '' ? 'an unknown disk' : source}`;
  }
  const createdMs = Date.parse(timeCreated);
  return requestedMs !== undefined && createdMs < requestedMs - CLOCK_TOLERANCE_MS
    ? `the snapshot of this name is older than the request (${timeCreated})`
    : undefined;
}
