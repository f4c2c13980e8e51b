import { blobKey } from '../snapshot/blob/blob-place.ts';
import { machineOf } from './machine.ts';
import { DOUBT_REASONS, type RestorePoint, type Worth } from './restore-point.ts';
import { type Reasons, type RetentionRule, reasonsToKeep } from './retention.ts';

/** So long after its newest snapshot, a restore point that is not complete may still be one of a run that goes on. */
export const GRACE_MS = 3_600_000;

export interface PruneWishes {
  readonly rule: RetentionRule;
  /** Also remove what nothing can be restored from. */
  readonly incomplete: boolean;
  /** Count restore points of which nothing was recorded as complete ones. */
  readonly acceptUnrecorded: boolean;
  /** Permit that nothing is left of a machine. */
  readonly allowNoneLeft: boolean;
  /** Restore points that do not match are left alone. */
  readonly matches: (point: RestorePoint) => boolean;
  /** Whether the snapshots of a disk would have been listed: by the URL of its blob or the id of the disk. */
  readonly isListed: (source: string) => boolean;
}

/** What becomes of one restore point. */
export interface Verdict {
  readonly point: RestorePoint;
  readonly isRemoved: boolean;
  /** Why it stays, or why it is removed; at least one. */
  readonly reasons: readonly string[];
}

/**
 * Decides which restore points are removed, for each machine by itself, and for each set of disks among those that contain
 * all of them: a later restore point of fewer disks takes the place of none. Only complete ones count for the rule; the newest
 * complete one with a set of disks always stays, and so does the last one of a machine of any kind, unless `allowNoneLeft`. One of
 * which it is not known which snapshots belong to it, or about which manifests or snapshots contradict each other, always stays, and does
 * not count. Pure.
 *
 * @param points the newest first
 * @returns a verdict on each, in the order of `points`
 */
export function planPrune(
  points: readonly RestorePoint[],
  wishes: PruneWishes,
  now: Date,
): Verdict[] {
  const verdicts = new Map<RestorePoint, Verdict>();
  for (const ofMachine of Map.groupBy(points, machineOf).values()) {
    for (const verdict of protect(judge(ofMachine, wishes, now), wishes)) {
      verdicts.set(verdict.point, verdict);
    }
  }
  return points.flatMap((point) => verdicts.get(point) ?? []);
}

/** Those that nothing can be restored from come first, then the others; the oldest first. Pure. */
export function inOrderOfDeletion(verdicts: readonly Verdict[]): RestorePoint[] {
  const removed = verdicts.filter(({ isRemoved }) => isRemoved).map(({ point }) => point);
  const isUseless = (it: RestorePoint): boolean => USELESS.includes(it.worth);
  return removed.toSorted(
    (a, b) =>
      Number(isUseless(b)) - Number(isUseless(a)) ||
      a.at.getTime() - b.at.getTime() ||
      (a.id < b.id ? -1 : 1),
  );
}

const USELESS: readonly Worth[] = ['incomplete', 'inconsistent'];

function judge(points: readonly RestorePoint[], wishes: PruneWishes, now: Date): Verdict[] {
  const counts = (it: RestorePoint): boolean =>
    it.doubt === undefined &&
    (it.worth === 'complete' || (wishes.acceptUnrecorded && it.worth === 'notRecorded'));
  const reasonsOf = reasonsByPoint(
    points.filter((it) => counts(it) && wishes.matches(it)),
    wishes.rule,
    now,
  );
  return points.map((point): Verdict => {
    if (!wishes.matches(point)) {
      return stays(point, 'not selected');
    }
    const kept = reasonsOf.get(point);
    if (kept === undefined) {
      return judgeUncounted(point, points, wishes, now);
    }
    return kept.length > 0
      ? { point, isRemoved: false, reasons: kept }
      : { point, isRemoved: true, reasons: ['kept by no rule'] };
  });
}

/** The rule holds for each set of disks, among the restore points that contain all of them. */
function reasonsByPoint(
  counted: readonly RestorePoint[],
  rule: RetentionRule,
  now: Date,
): ReadonlyMap<RestorePoint, Reasons> {
  const reasonsOf = new Map<RestorePoint, Reasons>();
  for (const alike of Map.groupBy(counted, (it) => [...sourcesOf(it)].sort().join(' ')).values()) {
    const sources = sourcesOf(alike[0]);
    const series = counted.filter((it) => sources.isSubsetOf(sourcesOf(it)));
    const reasons = reasonsToKeep(
      series.map(({ at }) => at),
      rule,
      now,
    );
    for (const point of alike) {
      reasonsOf.set(point, reasons[series.indexOf(point)] ?? []);
    }
  }
  return reasonsOf;
}

/** What its snapshots were taken of. */
function sourcesOf(point: RestorePoint | undefined): Set<string> {
  return new Set(
    point?.members.map(({ place }) =>
      place.kind === 'blob' ? blobKey(place.url) : place.sourceDisk.toLowerCase(),
    ),
  );
}

function judgeUncounted(
  point: RestorePoint,
  points: readonly RestorePoint[],
  wishes: PruneWishes,
  now: Date,
): Verdict {
  if (point.doubt !== undefined) {
    return stays(point, DOUBT_REASONS[point.doubt]);
  }
  if (point.worth === 'notRecorded') {
    return stays(point, 'not recorded');
  }
  if (!wishes.incomplete) {
    return stays(point, point.worth);
  }
  if (now.getTime() - newestTime(point) < GRACE_MS) {
    return stays(point, 'its run may still be going on');
  }
  if (point.worth === 'incomplete' && !isAllListed(point, points, wishes)) {
    return stays(point, 'its other snapshots may lie elsewhere');
  }
  return { point, isRemoved: true, reasons: [point.worth] };
}

function newestTime({ members, surplus, at }: RestorePoint): number {
  return Math.max(at.getTime(), ...[...members, ...surplus].map((it) => it.takenAt.getTime()));
}

/**
 * Whether a missing snapshot is really missing: its disk may belong to a container or resource group that was not listed.
 * The manifest says where the disks are. Without one, a whole restore point of as many disks shows that all were listed.
 */
function isAllListed(
  { manifest, count }: RestorePoint,
  points: readonly RestorePoint[],
  { isListed, allowNoneLeft }: PruneWishes,
): boolean {
  const disks = manifest?.disks ?? [];
  return disks.length > 0
    ? disks.every(({ source, snapshot }) => snapshot === null || isListed(source))
    : allowNoneLeft || points.some((it) => it.count === count && it.worth !== 'incomplete');
}

function stays(point: RestorePoint, reason: string): Verdict {
  return { point, isRemoved: false, reasons: [reason] };
}

/** @param verdicts on the restore points of one machine, the newest first */
function protect(verdicts: readonly Verdict[], { allowNoneLeft }: PruneWishes): Verdict[] {
  if (allowNoneLeft) {
    return [...verdicts];
  }
  const ofWorth = (worth: Worth): RestorePoint[] =>
    verdicts.flatMap(({ point }) =>
      point.worth === worth && point.doubt === undefined ? [point] : [],
    );
  const complete = ofWorth('complete');
  const best = complete.length > 0 ? newestOfEachSet(complete) : ofWorth('notRecorded').slice(0, 1);
  const isAnyLeft = verdicts.some(({ isRemoved }) => !isRemoved);
  const last = new Set(best.length > 0 || isAnyLeft ? best : [verdicts[0]?.point]);
  return verdicts.map((verdict) =>
    verdict.isRemoved && last.has(verdict.point)
      ? stays(
          verdict.point,
          verdict.point.worth === 'complete' ? 'the last complete one' : 'the last one',
        )
      : verdict,
  );
}

/** Those of whose disks no newer one contains all. @param points the newest first */
function newestOfEachSet(points: readonly RestorePoint[]): RestorePoint[] {
  const newest: { readonly point: RestorePoint; readonly sources: Set<string> }[] = [];
  for (const point of points) {
    const sources = sourcesOf(point);
    if (!newest.some((it) => sources.isSubsetOf(it.sources))) {
      newest.push({ point, sources });
    }
  }
  return newest.map(({ point }) => point);
}
