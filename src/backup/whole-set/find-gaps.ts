import { pathOfDisk } from '../../filesystems/disks.ts';
import type { Exclusion, Plan } from '../../filesystems/plan-types.ts';
import { mostServed, surplusIn } from './assignment.ts';
import { knownDisks, type Target } from './behind.ts';
import { type Coverage, coverageOf, disksToRestore, isListed } from './coverage.ts';
import type { LeftOutReason, SetGap } from './describe-gap.ts';

/** The gaps that the caller accepts. */
export interface SetWishes {
  /** A frozen disk without a blob is not a fault. */
  readonly isPartial: boolean;
  /** LUNs of the requested disks, −1 for the OS disk; other disks may be absent from the set. Undefined: every disk. */
  readonly includedLuns: readonly number[] | undefined;
  readonly toleratesForeign: boolean;
  /** The snapshots are of managed disks; missing: of blobs. */
  readonly isManaged?: boolean;
}

type Storage = Pick<Plan, 'fileSystems' | 'excluded'>;

/** What is mounted could not be read. */
export interface NotRead {
  /** The system's error. */
  readonly error: string;
}

/**
 * The gaps in a set of snapshots. A set is whole if it contains all disks of every file system of the plan, and none of
 * its disks carries a mounted, writable file system that was not frozen. File systems that cannot be frozen at all, and
 * raw data, are left to the disks' write counters (`WriteWatch`). Pure.
 *
 * A blob of an unknown disk may stand for any disk that it can belong to: the set counts as complete if the blobs of
 * unknown disks can cover all missing disks, one each. If there are more of them than disks that they can be, some belong
 * to another machine.
 *
 * @param after the storage after the thaw; undefined: no change is known
 */
export function gapsOf(
  plan: Plan,
  targets: readonly Target[],
  wishes: SetWishes,
  after?: Storage | NotRead,
): SetGap[] {
  const now = wasRead(after) ? after : undefined;
  if (plan.fileSystems.length === 0 || targets.some(({ behind }) => behind.kind === 'command')) {
    return [];
  }
  const coverage = coverageOf(plan, targets);
  return [
    ...missingDisks(plan, coverage, wishes),
    ...halfFileSystems(plan, coverage, wishes),
    ...halfUnfrozen(plan, coverage, wishes),
    ...leftOut(plan, coverage, now),
    ...(plan.missesNamespaces ? [{ kind: 'unseen' } as const] : []),
    ...strangers(targets, wishes),
    ...(now === undefined ? [] : moved(plan, now)),
    ...(after === undefined || wasRead(after) ? [] : [{ kind: 'not-read', ...after } as const]),
  ];
}

export function wasRead(storage: Storage | NotRead | undefined): storage is Storage {
  return storage !== undefined && !('error' in storage);
}

function missingDisks(
  plan: Plan,
  { uncovered, offers, covered }: Coverage,
  { isPartial, includedLuns, isManaged = false }: SetWishes,
): SetGap[] {
  const wanted = plan.disks.filter(
    (disk) =>
      disk.role !== 'temporary' && (includedLuns === undefined || isListed(disk, includedLuns)),
  );
  const missing = wanted.filter(({ name }) => uncovered.includes(name));
  const names = missing.map(({ name }) => name);
  const coveredAtMost = mostServed(names, offers);
  if (coveredAtMost === missing.length) {
    return [];
  }
  const have = wanted.filter(({ name }) => covered.has(name)).length;
  return [
    {
      kind: 'missing-disks',
      missing: missing.map(({ name, path }) => ({ path, mountPoints: mountPointsOn(plan, name) })),
      coveredAtMost,
      frozen: have + missing.length,
      isTolerated: isPartial,
      ...(isManaged && { isManaged }),
    },
  ];
}

function mountPointsOn({ fileSystems }: Plan, disk: string): string[] {
  return fileSystems.flatMap(({ disks, mountPoint }) => (disks.includes(disk) ? [mountPoint] : []));
}

/** The file systems with only some of their disks in the set; none of them if the unknown blobs may cover all disks. */
function halfFileSystems(
  plan: Plan,
  coverage: Coverage,
  { isManaged = false }: SetWishes,
): SetGap[] {
  const { covered, uncovered, offers, coveredAtMost } = coverage;
  const everythingMayBe = coveredAtMost === uncovered.length;
  const possible = new Set(offers.flat());
  return plan.fileSystems.flatMap(({ mountPoint, disks }): SetGap[] => {
    const needed = disksToRestore(disks);
    const without = needed.filter((disk) => !covered.has(disk));
    const isAbsent = without.length === needed.length && !needed.some((disk) => possible.has(disk));
    return without.length === 0 || needed.length < 2 || isAbsent || everythingMayBe
      ? []
      : [halfOf(mountPoint, needed, without, isManaged)];
  });
}

/** Exclusion reasons of file systems that need not be restored: the caller or Azure says so. */
const NOT_WANTED: ReadonlySet<LeftOutReason> = new Set<LeftOutReason>([
  'skipped',
  'not-selected',
  'temporary-disk',
]);

/** The file systems that are not frozen (read-only, or of a type that cannot be), with only some of their disks in the set. */
function halfUnfrozen(
  { excluded }: Plan,
  { covered, offers }: Coverage,
  { isManaged = false }: SetWishes,
): SetGap[] {
  const possible = new Set(offers.flat());
  return excluded.flatMap(({ mountPoint, reason, disks }): SetGap[] => {
    const needed = disksToRestore(disks);
    const without = needed.filter((disk) => !covered.has(disk) && !possible.has(disk));
    return NOT_WANTED.has(reason) || without.length === 0 || !needed.some((it) => covered.has(it))
      ? []
      : [halfOf(mountPoint, needed, without, isManaged)];
  });
}

function halfOf(
  mountPoint: string,
  needed: readonly string[],
  without: readonly string[],
  isManaged: boolean,
): SetGap {
  return {
    kind: 'half',
    mountPoint,
    disks: needed.map(pathOfDisk),
    without: without.map(pathOfDisk),
    ...(isManaged && { isManaged }),
  };
}

/** Exclusion reasons of file systems that could have been frozen. */
const LEAVES_OUT: ReadonlySet<LeftOutReason> = new Set<LeftOutReason>([
  'skipped',
  'not-selected',
  'hidden',
  'temporary-disk',
  'no-block-device',
  'other-namespace',
  'no-mount',
  'no-answer',
  'not-openable',
]);

function leftOut(plan: Plan, coverage: Coverage, after: Storage | undefined): SetGap[] {
  const before = plan.excluded.filter((it) => it.isWritable && LEAVES_OUT.has(it.reason));
  return [...before, ...mountedSince(plan, after)].flatMap((it) => gapOfLeftOut(it, coverage));
}

type LeftOut = Pick<Exclusion, 'mountPoint' | 'type' | 'disks' | 'elsewhere'> & {
  readonly reason: LeftOutReason;
};

function gapOfLeftOut(
  { mountPoint, type, reason, disks, elsewhere = [] }: LeftOut,
  { covered, elsewhere: elsewhereInPlan, offers, uncovered, coveredAtMost }: Coverage,
): SetGap[] {
  const gap = { kind: 'left-out', mountPoint, type, reason } as const;
  const isAnywhere =
    elsewhere.some((disk) => !covered.has(disk)) || disks.some((disk) => elsewhereInPlan.has(disk));
  if (disks.length === 0 || isAnywhere) {
    return [{ ...gap, disk: undefined }];
  }
  // A blob of an unknown disk may belong to this disk, if this disk also carries a frozen file system, or if there are
  // more such blobs than the frozen disks need.
  const hasSpare = offers.length > coveredAtMost;
  const possible = offers.flat().filter((disk) => hasSpare || uncovered.includes(disk));
  return disks
    .filter((disk) => covered.has(disk) || possible.includes(disk))
    .map((disk) => ({ ...gap, disk: pathOfDisk(disk) }));
}

function mountedSince(plan: Plan, after: Storage | undefined): LeftOut[] {
  const known = new Set([...plan.fileSystems, ...plan.excluded].map(({ device }) => device));
  const wasReadOnly = new Set(
    plan.excluded.filter(({ isWritable }) => !isWritable).map(({ device }) => device),
  );
  const isNew = ({ device }: { readonly device: string }): boolean =>
    !known.has(device) || wasReadOnly.has(device);
  const since = { reason: 'mounted-since' } as const;
  return [
    ...(after?.fileSystems ?? []).filter(isNew).map((it) => ({ ...it, ...since })),
    ...(after?.excluded ?? [])
      .filter((it) => isNew(it) && it.isWritable && LEAVES_OUT.has(it.reason))
      .map((it) => ({ ...it, ...since })),
  ];
}

/**
 * The blobs that belong to none of this machine's disks: single ones, and groups of which it is unknown which these are. Of
 * managed disks there are none: one without a device belongs to this VM nevertheless, and a warning has said so
 * (managed-matching.ts). Pure.
 */
export function strangers(
  targets: readonly Target[],
  { toleratesForeign, isManaged = false }: Pick<SetWishes, 'toleratesForeign' | 'isManaged'>,
): SetGap[] {
  if (isManaged) {
    return [];
  }
  const isTolerated = toleratesForeign;
  const foreign = targets.flatMap(({ name, behind }, target): SetGap[] => {
    if (behind.kind !== 'foreign') {
      return [];
    }
    const { because } = behind;
    const gap = { kind: 'foreign', target, blob: name, isTolerated } as const;
    return [{ ...gap, ...(because !== undefined && { because }) }];
  });
  return [...foreign, ...surplus(targets, isTolerated)];
}

/** Blobs of unknown disks that cannot all have a disk of their own among those without a blob. */
function surplus(targets: readonly Target[], isTolerated: boolean): SetGap[] {
  const unknown = targets.flatMap(({ name, behind }) =>
    behind.kind === 'one-of' ? [{ name, disks: behind.disks }] : [],
  );
  const offers = unknown.map(({ disks }) => disks);
  const known = new Set(knownDisks(targets));
  const free = [...new Set(offers.flat())].filter((disk) => !known.has(disk));
  return surplusIn(free, offers).map((it) => ({
    kind: 'surplus',
    blobs: it.offers.flatMap((offer) => unknown[offer]?.name ?? []),
    disks: it.items.map(pathOfDisk),
    isTolerated,
  }));
}

function moved(plan: Plan, after: Storage): SetGap[] {
  const disksNow = new Map(after.fileSystems.map(({ device, disks }) => [device, disks]));
  return plan.fileSystems.flatMap(({ device, mountPoint, disks }): SetGap[] => {
    const now = disksNow.get(device) ?? disks;
    return now.join() === disks.join()
      ? []
      : [{ kind: 'moved', mountPoint, disks: now.map(pathOfDisk) }];
  });
}

/**
 * The host answers with an entry for each disk. If the request covers all disks, fewer entries mean that some snapshots
 * were not taken; the answer does not show which. Pure.
 *
 * @param luns the LUNs in the request to the host; undefined: all disks; empty: the host decides which disks, which may leave
 * out one of several under a file system
 */
export function gapOfHost(
  { fileSystems, disks, otherDisks = [] }: Plan,
  targets: readonly Target[],
  answers: readonly { readonly snapshot: string | undefined }[],
  luns: readonly number[] | undefined,
): SetGap[] {
  const own = [...disks, ...otherDisks].filter(({ role }) => role === 'os' || role === 'data');
  const needsAll =
    luns === undefined ||
    (luns.length === 0 && fileSystems.some((it) => disksToRestore(it.disks).length > 1));
  const expected = needsAll ? own.length : luns.length;
  const isByHost = targets.some(({ behind }) => behind.kind === 'all-of');
  const isTaken = answers.some(({ snapshot }) => snapshot !== undefined);
  return isByHost && isTaken && answers.length < expected
    ? [{ kind: 'host-answers', answers: answers.length, disks: expected }]
    : [];
}
