import { FlashfreezeError } from '../errors.ts';
import type { DeviceNumber } from '../system/device-number.ts';
import { hasOption, type Mount } from '../system/mountinfo.ts';
import type { BlockTopology, Leaf } from './block-topology.ts';
import { diskOf, otherDisksOf, toDisks } from './disks.ts';
import { exclusionWarnings, nothingToFreeze, unfreezableWarnings } from './exclusions.ts';
import { natureOfType, type TypeNature } from './file-system-types.ts';
import { MountTree } from './mount-tree.ts';
import type {
  Exclusion,
  ExclusionReason,
  FileSystem,
  OpeningFault,
  Plan,
  Selection,
} from './plan-types.ts';
import { type FreezeOrder, freezeOrder } from './relations/freeze-order.ts';
import type { Relation } from './relations/relation-types.ts';
import { type StorageRelations, storageRelations } from './relations/storage-relations.ts';
import { includedMounts, selectables, selectionWarnings, skippedDevices } from './selection.ts';
import { type Holders, type IsPlanned, StorageFinder } from './storage.ts';
import { compareText, depthOf, type Superblock, superblocksOf } from './superblocks.ts';

/**
 * Decides what is frozen, in which order, and on which disks it lies. Pure.
 *
 * Every mounted superblock of a type that can be frozen once, unless there is a reason against it
 * (`excluded`). Where `selection.include` names mount points:
 * - all else is `not-selected`;
 * - a named file system on the temporary disk is frozen, since the caller wants it;
 * - a named read-only one is excluded as `read-only` all the same: nothing can be written to it, so
 *   what the caller wants of it holds without a freeze;
 * - `selection.skip` wins, because it was set up where freezing does harm.
 * What a pattern wants is judged as without `include`.
 *
 * `daemonRelations` is what file systems need of each other through running processes; what they need
 * through images is found here.
 *
 * Throws FF_MOUNT_NOT_FOUND, FF_MOUNT_NOT_FREEZABLE (of a type that cannot be frozen, or without a
 * known block device) for a named mount point, FF_NOTHING_TO_FREEZE if nothing is left.
 */
export function makePlan(
  mounts: readonly Mount[],
  topology: BlockTopology,
  selection: Selection,
  daemonRelations: readonly Relation[] = [],
): Plan {
  const tree = new MountTree(mounts);
  const superblocks = superblocksOf(mounts, tree);
  const finder = new StorageFinder(topology, tree, superblocks);
  const mounted = selectables(superblocks, finder);
  const judge: Judge = {
    included: includedMounts(selection.include, tree, mounted),
    skipped: skippedDevices(selection.skip, mounted),
    faulty: new Map(selection.faulty?.map(({ device, reason }) => [device, reason])),
    notOpenable: new Set(selection.notOpenable),
    finder,
    topology,
  };
  const verdicts = superblocks.map((superblock) => ({
    superblock,
    verdict: judgeSuperblock(superblock, judge),
  }));
  const chosen = verdicts.flatMap(({ superblock, verdict }): Chosen[] =>
    typeof verdict === 'string' ? [] : [{ superblock, opened: verdict }],
  );
  const devices = new Set(chosen.map(({ superblock }) => superblock.device));
  const isPlanned: IsPlanned = (device) => devices.has(device);
  const excluded = verdicts.flatMap(({ superblock, verdict }): Exclusion[] =>
    typeof verdict === 'string' ? [exclusionOf(superblock, verdict, finder, isPlanned)] : [],
  );
  if (chosen.length === 0) {
    throw nothingToFreeze(excluded);
  }
  const storage = storageRelations(mounts, topology, tree);
  const relations = [...storage.relations, ...daemonRelations];
  const candidates = candidatesOf(chosen, finder, isPlanned);
  const arranged = arrange(candidates, { ...storage, relations }, isPlanned);
  const warnings = [
    ...selectionWarnings(selection, mounted),
    ...arranged.warnings,
    ...exclusionWarnings(excluded),
    ...unfreezableWarnings(excluded),
  ];
  return { ...arranged, ...disksOf(candidates, excluded, topology), warnings, excluded };
}

interface Judge {
  /** Undefined if everything suitable is wanted; the mount is undefined if a pattern wants it. */
  readonly included: ReadonlyMap<DeviceNumber, Mount | undefined> | undefined;
  readonly skipped: ReadonlySet<DeviceNumber>;
  readonly faulty: ReadonlyMap<DeviceNumber, OpeningFault>;
  readonly notOpenable: ReadonlySet<string>;
  readonly finder: StorageFinder;
  readonly topology: BlockTopology;
}

interface Chosen {
  readonly superblock: Superblock;
  readonly opened: Mount;
}

const REASON_OF_NATURE: Record<Exclude<TypeNature, 'freezable'>, ExclusionReason> = {
  network: 'network',
  pseudo: 'pseudo',
  memory: 'not-freezable',
  served: 'not-freezable',
  other: 'not-freezable',
};

/** The mount to open, or why the superblock is left out. */
function judgeSuperblock(superblock: Superblock, judge: Judge): Mount | ExclusionReason {
  const { device, mounts, visible } = superblock;
  const nature = natureOfType(mounts[0].type);
  if (nature !== 'freezable') {
    return REASON_OF_NATURE[nature];
  }
  const named = judge.included?.get(device);
  if (judge.included?.has(device) === false) {
    return 'not-selected';
  }
  if (judge.skipped.has(device)) {
    return 'skipped';
  }
  if (hasOption(mounts[0].superOptions, 'ro')) {
    return 'read-only';
  }
  if (named === undefined && visible.length === 0) {
    return 'hidden';
  }
  if (!judge.finder.hasDevices(device)) {
    return withoutDevice(named);
  }
  const opened = mountToOpen(superblock, named, judge);
  if (typeof opened === 'string') {
    return opened;
  }
  return named === undefined && isTemporary(device, judge) ? 'temporary-disk' : opened;
}

/** The first mount whose mount point can be opened as far as is known, or why there is none. */
function mountToOpen(
  { device, mounts, visible }: Superblock,
  named: Mount | undefined,
  { faulty, notOpenable }: Judge,
): Mount | OpeningFault {
  if (isDead(mounts[0])) {
    return 'dead';
  }
  const candidates = named === undefined ? visible : [named, ...visible];
  const opened = candidates.find(({ mountPoint }) => !notOpenable.has(mountPoint));
  return faulty.get(device) ?? opened ?? 'not-openable';
}

/** As ext4 shows it: it was shut down after an error or the loss of its disk, or `errors=remount-ro` took effect. */
function isDead({ superOptions }: Mount): boolean {
  return hasOption(superOptions, 'shutdown') || hasOption(superOptions, 'emergency_ro');
}

function withoutDevice(named: Mount | undefined): ExclusionReason {
  if (named !== undefined) {
    throw new FlashfreezeError(
      'FF_MOUNT_NOT_FREEZABLE',
      `${named.mountPoint}: no block device under it (${named.source}) is shown in /sys/dev/block, so no disk could be told to hold it. Leave it out.`,
    );
  }
  return 'no-block-device';
}

/** A file system that lies partly on other disks stays: what is on those is worth a freeze. */
function isTemporary(device: DeviceNumber, { finder, topology }: Judge): boolean {
  const disks = finder.disksUnder(device, () => true);
  return disks.every((leaf) => diskOf(leaf, topology).role === 'temporary') && disks.length > 0;
}

/** @param isPlanned whether a superblock is frozen in the same run */
function exclusionOf(
  { device, mounts, visible }: Superblock,
  reason: ExclusionReason,
  finder: StorageFinder,
  isPlanned: IsPlanned,
): Exclusion {
  const { type, mountPoint } = visible[0] ?? mounts[0];
  const elsewhere = finder.elsewhereUnder(device, isPlanned);
  return {
    ...{ device, type, mountPoint, reason },
    disks: namesOf(finder.disksUnder(device, isPlanned)),
    ...(elsewhere.length > 0 && { elsewhere }),
    isWritable: reason !== 'dead' && !hasOption(mounts[0].superOptions, 'ro'),
  };
}

function namesOf(leaves: readonly Leaf[]): string[] {
  return leaves.map(({ name }) => name).sort(compareText);
}

interface Candidate extends Chosen {
  readonly disks: readonly Leaf[];
  readonly holders: Holders;
}

/** In the order in which they are frozen if nothing speaks against it. */
function candidatesOf(
  chosen: readonly Chosen[],
  finder: StorageFinder,
  isPlanned: IsPlanned,
): Candidate[] {
  return chosen
    .toSorted((a, b) => innerFirst(a.opened, b.opened))
    .map((each) => {
      const { device } = each.superblock;
      return {
        ...each,
        disks: finder.disksUnder(device, isPlanned),
        holders: finder.holdersUnder(device, isPlanned),
      };
    });
}

function arrange(
  candidates: readonly Candidate[],
  { relations, unseen }: StorageRelations,
  isPlanned: IsPlanned,
): Pick<Plan, 'fileSystems' | 'waves' | 'thawsAfter' | 'dependents'> &
  Required<Pick<Plan, 'warnings'>> {
  const order = freezeOrder(
    candidates.map(({ superblock, opened }) => ({
      device: superblock.device,
      mountPoint: opened.mountPoint,
    })),
    relations,
    new Set([...unseen].filter(isPlanned)),
  );
  return {
    ...inOrder(candidates, order),
    warnings: [...candidates.flatMap(warningsOf), ...order.warnings],
  };
}

function innerFirst(a: Mount, b: Mount): number {
  return depthOf(b.mountPoint) - depthOf(a.mountPoint) || compareText(a.mountPoint, b.mountPoint);
}

/** The file systems in order of freezing; `order` speaks of positions among the candidates. */
function inOrder(
  candidates: readonly Candidate[],
  { waves, thawsAfter, dependents }: FreezeOrder,
): Pick<Plan, 'fileSystems' | 'waves' | 'thawsAfter' | 'dependents'> {
  const positions = waves.flat();
  const indexOf = new Map(positions.map((position, index) => [position, index]));
  const toIndexes = (list: readonly number[]): number[] =>
    list.map((position) => indexOf.get(position) ?? 0);
  const ranks = new Map(
    positions.map((position, index) => [candidates[position]?.superblock.device ?? '', index]),
  );
  return {
    fileSystems: positions.flatMap((position) => {
      const candidate = candidates[position];
      return candidate === undefined ? [] : [fileSystemOf(candidate, ranks)];
    }),
    waves: waves.map(toIndexes),
    thawsAfter: positions.map((position) => toIndexes(thawsAfter[position] ?? [])),
    dependents: positions.map((position) => toIndexes(dependents[position] ?? [])),
  };
}

/** @param ranks place in the order of freezing of each superblock */
function fileSystemOf(
  { superblock, opened, disks, holders }: Candidate,
  ranks: ReadonlyMap<DeviceNumber, number>,
): FileSystem {
  const rankOf = (device: DeviceNumber): number => ranks.get(device) ?? 0;
  const [imageOn] = holders.planned.toSorted((a, b) => rankOf(b) - rankOf(a));
  return {
    device: superblock.device,
    type: opened.type,
    source: opened.source,
    mountPoint: opened.mountPoint,
    mountId: opened.id,
    mountPoints: [...new Set(superblock.visible.map(({ mountPoint }) => mountPoint))],
    disks: namesOf(disks),
    imageOn,
  };
}

function warningsOf({ opened, holders }: Candidate): string[] {
  return holders.notVisible.map(
    ({ name, under }) =>
      `${opened.mountPoint} lies in an image (${name}, ${under.kind === 'image' ? under.image.path : '?'}) whose place cannot be seen from here; it is frozen before everything that could hold it`,
  );
}

function disksOf(
  candidates: readonly Candidate[],
  excluded: readonly Exclusion[],
  topology: BlockTopology,
): Required<Pick<Plan, 'disks' | 'otherDisks'>> {
  const leaves = new Map(candidates.flatMap(({ disks }) => disks.map((leaf) => [leaf.name, leaf])));
  const others = otherDisksOf(topology, excluded).filter(({ name }) => !leaves.has(name));
  return { disks: toDisks([...leaves.values()], topology), otherDisks: toDisks(others, topology) };
}
