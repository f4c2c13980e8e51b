import { pathOfDisk } from '../../filesystems/disks.ts';
import { type Disk, type Exclusion, OS_DISK_LUN, type Plan } from '../../filesystems/plan-types.ts';
import { mostServed } from './assignment.ts';
import type { Target } from './behind.ts';
import type { LeftOutReason, SetGap } from './gap.ts';

/** Which gaps the caller wants. */
export interface SetWishes {
  /** A frozen disk without a blob is no fault. */
  readonly isPartial: boolean;
  /** LUNs of the disks that are wanted, −1 for the OS disk: others are not missed. Undefined: every disk. */
  readonly includedLuns: readonly number[] | undefined;
  readonly toleratesForeign: boolean;
}

type Storage = Pick<Plan, 'fileSystems' | 'excluded'>;

/**
 * What keeps a set of snapshots from being whole: it is only if every file system of the plan has all of its
 * disks in it, and no disk of it carries a mounted, writable file system that was not frozen. What cannot be
 * frozen at all, and raw data, is left to the disks' write counters (`WriteWatch`). Pure.
 *
 * A blob of an unknown disk counts as whatever it can be: the set is taken for complete if the blobs of unknown
 * disks can be all that is missing, each of them one.
 *
 * @param after the storage as it was after the thaw; undefined: nothing is known of a change
 */
export function gapsOf(
  plan: Plan,
  targets: readonly Target[],
  wishes: SetWishes,
  after?: Storage,
): SetGap[] {
  if (plan.fileSystems.length === 0 || targets.some(({ behind }) => behind.kind === 'command')) {
    return [];
  }
  const coverage = coverageOf(plan, targets);
  return [
    ...missingDisks(plan, coverage, wishes),
    ...halfFileSystems(plan, coverage),
    ...leftOut(plan, coverage, after),
    ...foreign(targets, wishes),
    ...(after === undefined ? [] : moved(plan, after)),
  ];
}

/** Which disks the set has. */
interface Coverage {
  /** Certainly. */
  readonly covered: ReadonlySet<string>;
  /** For each target of an unknown disk what it may be. */
  readonly offers: readonly (readonly string[])[];
  /** Not certainly in the set, though something on it is frozen. */
  readonly uncovered: readonly string[];
  /** How many of `uncovered` can be had with `offers` at the same time. */
  readonly coveredAtMost: number;
}

function coverageOf(plan: Plan, targets: readonly Target[]): Coverage {
  const covered = new Set(
    targets.flatMap(({ behind }) => {
      switch (behind.kind) {
        case 'disk':
          return [behind.disk];
        case 'all-of':
          return behind.disks;
        default:
          return [];
      }
    }),
  );
  const offers = targets.flatMap(({ behind }) => (behind.kind === 'one-of' ? [behind.disks] : []));
  const needed = new Set(plan.fileSystems.flatMap(({ disks }) => disksToRestore(disks)));
  const uncovered = [...needed].filter((disk) => !covered.has(disk));
  return { covered, offers, uncovered, coveredAtMost: mostServed(uncovered, offers) };
}

/** Of a file system in an image the disks under the image count, not the loop device; if there are any. */
function disksToRestore(disks: readonly string[]): readonly string[] {
  const below = disks.filter((disk) => !disk.startsWith('loop'));
  return below.length === 0 ? disks : below;
}

function missingDisks(
  plan: Plan,
  { uncovered, offers, covered }: Coverage,
  { isPartial, includedLuns }: SetWishes,
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
    },
  ];
}

function isListed({ lun, role }: Disk, luns: readonly number[]): boolean {
  return luns.includes(role === 'os' ? OS_DISK_LUN : (lun ?? Number.NaN));
}

function mountPointsOn({ fileSystems }: Plan, disk: string): string[] {
  return fileSystems.flatMap(({ disks, mountPoint }) => (disks.includes(disk) ? [mountPoint] : []));
}

/** Of what may be whole, the others' blobs being what they are, nothing is said. */
function halfFileSystems(plan: Plan, coverage: Coverage): SetGap[] {
  const { covered, uncovered, offers, coveredAtMost } = coverage;
  const everythingMayBe = coveredAtMost === uncovered.length;
  const possible = new Set(offers.flat());
  return plan.fileSystems.flatMap(({ mountPoint, disks }): SetGap[] => {
    const needed = disksToRestore(disks);
    const without = needed.filter((disk) => !covered.has(disk));
    const isAbsent = without.length === needed.length && !needed.some((disk) => possible.has(disk));
    return without.length === 0 || needed.length < 2 || isAbsent || everythingMayBe
      ? []
      : [
          {
            kind: 'half',
            mountPoint,
            disks: needed.map(pathOfDisk),
            without: without.map(pathOfDisk),
          },
        ];
  });
}

/** Reasons for which a file system that could have been frozen was not. */
const LEAVES_OUT: ReadonlySet<LeftOutReason> = new Set<LeftOutReason>([
  'skipped',
  'not-selected',
  'hidden',
  'temporary-disk',
  'no-block-device',
  'other-namespace',
  'no-answer',
]);

function leftOut(plan: Plan, coverage: Coverage, after: Storage | undefined): SetGap[] {
  const before = plan.excluded.filter((it) => it.isWritable && LEAVES_OUT.has(it.reason));
  return [...before, ...mountedSince(plan, after)].flatMap((it) => gapOfLeftOut(it, coverage));
}

type LeftOut = Pick<Exclusion, 'mountPoint' | 'type' | 'disks'> & {
  readonly reason: LeftOutReason;
};

function gapOfLeftOut(
  { mountPoint, type, reason, disks }: LeftOut,
  { covered, offers, uncovered, coveredAtMost }: Coverage,
): SetGap[] {
  const gap = { kind: 'left-out', mountPoint, type, reason } as const;
  if (disks.length === 0) {
    return [{ ...gap, disk: undefined }];
  }
  // A blob of an unknown disk may be this one's: it is counted for what is frozen on it as well, or is not needed
  // for what is frozen elsewhere.
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

function foreign(targets: readonly Target[], { toleratesForeign }: SetWishes): SetGap[] {
  return targets.flatMap(({ name, behind }, target): SetGap[] =>
    behind.kind === 'foreign'
      ? [{ kind: 'foreign', target, blob: name, isTolerated: toleratesForeign }]
      : [],
  );
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
 * The host answers with an entry for each disk. If it was asked for all, fewer than the VM has mean that some
 * were not taken, and it is not told which. Pure.
 *
 * @param luns that the host was asked for; undefined: all; none: which ones is the host's own affair
 */
export function gapOfHost(
  { disks, otherDisks = [] }: Plan,
  targets: readonly Target[],
  answers: readonly { readonly snapshot: string | undefined }[],
  luns: readonly number[] | undefined,
): SetGap[] {
  const own = [...disks, ...otherDisks].filter(({ role }) => role === 'os' || role === 'data');
  const expected = luns === undefined ? own.length : luns.length;
  const isByHost = targets.some(({ behind }) => behind.kind === 'all-of');
  const isTaken = answers.some(({ snapshot }) => snapshot !== undefined);
  return isByHost && isTaken && answers.length < expected
    ? [{ kind: 'host-answers', answers: answers.length, disks: expected }]
    : [];
}
