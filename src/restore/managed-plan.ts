import { FlashfreezeError } from '../errors.ts';
import { ArmSession } from '../restore-points/arm-session.ts';
import type { ManagedService } from '../restore-points/managed-service.ts';
import type { StoredMember } from '../restore-points/restore-point.ts';
import { type ArmId, armId, parseDiskPointId } from '../snapshot/managed/arm-id.ts';
import { RESTORE_ACTIONS } from '../snapshot/managed/role.ts';
import { fittingTags } from '../snapshot/managed/snapshot-naming.ts';
import { inParallel } from '../system/in-parallel.ts';
import type { DiskToMake } from './create-disks.ts';
import {
  diskBody,
  missingOptions,
  type Placement,
  type PlacementWishes,
  placementOf,
} from './disk-body.ts';
import { type ReadSource, readManagedSource } from './managed-source.ts';
import { type OldDisk, readOldDisks } from './old-disks.ts';
import type { PlannedDisk, RestorePlan } from './restore-plan.ts';
import type { SourceFacts } from './source-facts.ts';

const AT_ONCE = 8;

export interface ManagedWishes {
  /** Resource group of the new disks. */
  readonly group: string;
  readonly placement: PlacementWishes;
}

/** A managed disk to be made of a snapshot, and what is known of it. */
export interface PlannedManagedDisk {
  readonly planned: PlannedDisk;
  /** Of the new disk. */
  readonly id: ArmId;
  readonly old: OldDisk | undefined;
  readonly placement: Placement;
  readonly source: SourceFacts | undefined;
  /** Why it cannot be made of its snapshot now, for people; undefined if it can. */
  readonly problem: string | undefined;
}

/**
 * Asks what the snapshots and the old disks are like. Changes nothing.
 *
 * @throws FlashfreezeError FF_USAGE if a storage type was given for a disk that there is not
 */
export async function planManagedDisks(
  { disks }: RestorePlan,
  service: ManagedService,
  { group, placement }: ManagedWishes,
): Promise<PlannedManagedDisk[]> {
  requireLuns(disks, placement.skuOf);
  const oldDisks = await readOldDisks(
    service,
    disks.map(({ member }) => sourceDiskOf(member)),
  );
  return await inParallel(disks, AT_ONCE, async (planned) => {
    const { member, name } = planned;
    const old = oldDisks.get(sourceDiskOf(member));
    return {
      ...{ planned, old, ...(await sourceOf(service, member)) },
      id: armId({ subscription: service.subscription, group }, 'disks', name),
      placement: placementOf(member.membership.lun, placement, old),
    };
  });
}

function requireLuns(disks: readonly PlannedDisk[], skuOf: PlacementWishes['skuOf']): void {
  const luns = disks.map(({ member }) => member.membership.lun);
  const unknown = [...skuOf.keys()].filter((lun) => !luns.includes(lun));
  if (unknown.length > 0) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--sku ${unknown[0]}=…: the restore point has no disk with this LUN; it has ${luns.filter((lun) => lun !== undefined).join(', ') || 'none of which the LUN is known'}`,
    );
  }
}

function sourceDiskOf({ place }: StoredMember): string {
  return place.kind === 'managed' ? place.sourceDisk : '';
}

async function sourceOf(service: ManagedService, { place }: StoredMember): Promise<ReadSource> {
  using session = new ArmSession(service);
  return await readManagedSource(session, service, place.kind === 'managed' ? place.id : '');
}

/** What to know before the disks are made, for people. Pure. */
export function problemsOf(disks: readonly PlannedManagedDisk[]): string[] {
  return disks.flatMap(({ planned, problem }) =>
    problem === undefined ? [] : [`${nameOf(planned)}: ${problem}`],
  );
}

function nameOf({ member }: PlannedDisk): string {
  return member.place.kind === 'managed' ? `the snapshot ${member.place.id}` : '';
}

/**
 * What `createDisks` needs; refuses a plan that cannot be carried out. Pure.
 *
 * @throws FlashfreezeError FF_RESTORE_POINT_UNUSABLE, FF_USAGE
 */
export function disksToMake(point: string, disks: readonly PlannedManagedDisk[]): DiskToMake[] {
  const problems = problemsOf(disks);
  if (problems.length > 0) {
    throw new FlashfreezeError(
      'FF_RESTORE_POINT_UNUSABLE',
      `${problems.join('; ')}. Nothing was made`,
    );
  }
  const unknown = disks.flatMap(({ planned, placement }) => {
    const options = missingOptions(placement);
    return options.length === 0 ? [] : [`${planned.name} needs ${options.join(' and ')}`];
  });
  if (unknown.length > 0) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `${unknown.join('; ')}: the old disk is gone, or the VM's identity may not read it (${RESTORE_ACTIONS.readDisk}), so its storage type and zone are not known. Give what is missing; --sku <LUN>=<storage type> is for one disk. Nothing was made`,
    );
  }
  return disks.flatMap((disk) => toMake(point, disk));
}

function toMake(point: string, disk: PlannedManagedDisk): DiskToMake[] {
  const { planned, id, old, placement, source } = disk;
  const { place, membership, sizeBytes, values } = planned.member;
  if (place.kind !== 'managed' || source === undefined) {
    return [];
  }
  const isOfPoint = parseDiskPointId(place.id) !== undefined;
  const body = diskBody({
    ...{ source, old, placement, sourceId: place.id },
    createOption: isOfPoint ? 'Restore' : 'Copy',
    isOs: membership.lun === 'os',
    tags: tagsOf(values, `${point} ${membership.position}`, place.id),
  });
  // Of a disk in a restore point, only the size in GB is known.
  const size = isOfPoint
    ? { bytes: 0, gigabytes: sizeBytes / 2 ** 30 }
    : { bytes: source.properties.diskSizeBytes || sizeBytes, gigabytes: 0 };
  return [{ id, source: place.id, size, body }];
}

/**
 * The tags of a new disk: what the snapshot has, but not its membership, which a later snapshot by another program would inherit.
 */
function tagsOf(
  values: Readonly<Record<string, string>>,
  origin: string,
  snapshot: string,
): Readonly<Record<string, string>> {
  const others = Object.entries(values).filter(([name]) => !/^flashfreeze[-_]/i.test(name));
  const own = fittingTags([
    ['flashfreeze-restored', origin],
    ['flashfreeze-snapshot', snapshot.split('/').at(-1) ?? ''],
  ]);
  return Object.fromEntries([...others, ...own]);
}
