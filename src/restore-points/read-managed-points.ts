import * as v from 'valibot';
import type { ExchangeEnd } from '../snapshot/http/exchange-end.ts';
import { armId, parseArmId, parseDiskPointId } from '../snapshot/managed/arm-id.ts';
import { jsonOf } from '../snapshot/managed/json-of.ts';
import { isOwnPointName, POINT_API_VERSION, pointPath } from '../snapshot/managed/restore-point.ts';
import { POINT_ACTIONS } from '../snapshot/managed/restore-point-failures.ts';
import { ArmSession } from './arm-session.ts';
import { nextPath, refused } from './managed-pages.ts';
import type { ManagedService } from './managed-service.ts';
import type { KeptRecord } from './record-of-run.ts';
import type { StoredMember } from './restore-point.ts';

const text = v.nullish(v.string(), '');
const diskSchema = v.object({
  lun: v.nullish(v.number()),
  diskSizeGB: v.nullish(v.number(), 0),
  managedDisk: v.nullish(v.object({ id: text })),
  diskRestorePoint: v.nullish(v.object({ id: text })),
});
const pointSchema = v.object({
  name: v.string(),
  properties: v.object({
    ...{ provisioningState: text, consistencyMode: text, timeCreated: text },
    sourceMetadata: v.nullish(
      v.object({
        vmId: v.nullish(v.string()),
        storageProfile: v.nullish(
          v.object({
            osDisk: v.nullish(diskSchema),
            dataDisks: v.nullish(v.array(diskSchema), []),
          }),
        ),
      }),
    ),
  }),
});
const collectionSchema = v.object({
  properties: v.object({
    source: v.nullish(v.object({ id: text })),
    restorePoints: v.nullish(v.array(v.unknown()), []),
  }),
});
const pageSchema = v.object({
  value: v.array(v.object({ name: v.string() })),
  nextLink: v.nullish(v.string(), ''),
});

/** What the collections of a resource group hold of restore points of VMs that flashfreeze made. */
export interface VmPointInventory {
  readonly members: readonly StoredMember[];
  /** Of points that Azure could not make. */
  readonly records: readonly KeptRecord[];
  /** The identity may not read all collections and points. */
  readonly isHidden: boolean;
}

const NOTHING: VmPointInventory = { members: [], records: [], isHidden: false };

/**
 * Reads the restore points of VMs in a resource group that have a name as flashfreeze gives it. What the identity may not
 * read is left out: few need that right.
 *
 * @throws FlashfreezeError as `managedSnapshotPages`
 */
export async function readVmPoints(service: ManagedService): Promise<VmPointInventory> {
  using session = new ArmSession(service);
  const names = await collectionNames(session, service);
  if (names === undefined) {
    return { ...NOTHING, isHidden: true };
  }
  const inventories: VmPointInventory[] = [];
  for (const name of names) {
    const id = armId(service, 'restorePointCollections', name).text;
    const end = await session.ask('GET', pointPath(id, 'restorePoints'));
    inventories.push(inventoryOf(end, service));
  }
  return {
    members: inventories.flatMap(({ members }) => members),
    records: inventories.flatMap(({ records }) => records),
    isHidden: inventories.some(({ isHidden }) => isHidden),
  };
}

function inventoryOf(end: ExchangeEnd | undefined, service: ManagedService): VmPointInventory {
  if (isForbidden(end)) {
    return { ...NOTHING, isHidden: true };
  }
  if (end?.kind !== 'succeeded') {
    throw refused(end, service, 'restore points', POINT_ACTIONS.readPoint);
  }
  // One that was deleted meanwhile has nothing.
  return end.answer.httpStatus === 404 ? NOTHING : inventoryIn(end.answer.body);
}

function isForbidden(end: ExchangeEnd | undefined): boolean {
  return end?.kind === 'refused' && end.answer.httpStatus === 403;
}

/** Undefined if the identity may not read them. */
async function collectionNames(
  session: ArmSession,
  service: ManagedService,
): Promise<string[] | undefined> {
  const { subscription, group } = service;
  const scope = `/subscriptions/${subscription}/resourceGroups/${encodeURIComponent(group)}`;
  const names: string[] = [];
  let path: string | undefined =
    `${scope}/providers/Microsoft.Compute/restorePointCollections?api-version=${POINT_API_VERSION}`;
  while (path !== undefined) {
    const end = await session.ask('GET', path);
    if (isForbidden(end)) {
      return undefined;
    }
    const body = end?.kind === 'succeeded' ? Buffer.concat(end.answer.body).toString('utf8') : '';
    const page = v.safeParse(pageSchema, jsonOf(body));
    if (end?.kind !== 'succeeded' || !page.success) {
      throw refused(end, service, 'restore points', POINT_ACTIONS.readCollection);
    }
    names.push(...page.output.value.map(({ name }) => name));
    path = nextPath(page.output.nextLink ?? '', service.origin, 'restore points');
  }
  return names;
}

/** Reads the answer about a collection with its points. Pure. */
export function inventoryIn(body: readonly Uint8Array[]): VmPointInventory {
  const parsed = v.safeParse(collectionSchema, jsonOf(Buffer.concat(body).toString('utf8')));
  if (!parsed.success) {
    return NOTHING;
  }
  const { source, restorePoints } = parsed.output.properties;
  const vmName = parseArmId(source?.id ?? '', 'virtualMachines')?.name ?? '';
  const points = (restorePoints ?? []).flatMap((it) => {
    const point = v.safeParse(pointSchema, it);
    return point.success && isOwn(point.output) ? point.output : [];
  });
  return {
    members: points.flatMap((point) => membersOf(point, vmName)),
    records: points
      .filter(({ properties }) => !/^succeeded$/i.test(properties.provisioningState ?? ''))
      .map(({ name }) => ({ id: name, restorable: false, barrier: null, machine: undefined })),
    isHidden: false,
  };
}

type Point = v.InferOutput<typeof pointSchema>;

/** One that is being made now is left out: its run is going on. */
function isOwn({ name, properties }: Point): boolean {
  return (
    isOwnPointName(name) &&
    /^crashconsistent$/i.test(properties.consistencyMode ?? '') &&
    !/^creating$/i.test(properties.provisioningState ?? '')
  );
}

function membersOf({ name, properties }: Point, host: string): StoredMember[] {
  const { timeCreated, sourceMetadata } = properties;
  const { osDisk, dataDisks } = sourceMetadata?.storageProfile ?? {};
  const takenAt = new Date(timeCreated ?? '');
  const disks = [...(osDisk ? [osDisk] : []), ...(dataDisks ?? [])].flatMap((disk) => {
    const id = disk.diskRestorePoint?.id ?? '';
    return parseDiskPointId(id) === undefined ? [] : [{ disk, id }];
  });
  return Number.isNaN(takenAt.getTime())
    ? []
    : disks.map(({ disk, id }, index): StoredMember => {
        const { lun, managedDisk, diskSizeGB } = disk;
        return {
          place: { kind: 'managed', id, sourceDisk: managedDisk?.id ?? '' },
          takenAt,
          sizeBytes: (diskSizeGB ?? 0) * 2 ** 30,
          membership: {
            ...{ restorePoint: name, position: index + 1, count: disks.length, host },
            vm: sourceMetadata?.vmId ?? undefined,
            ...{ device: undefined, version: undefined },
            lun: disk === osDisk ? 'os' : (lun ?? undefined),
          },
          values: {},
        };
      });
}
