import { FlashfreezeError } from '../../errors.ts';
import type {
  BlobContent,
  DiskContent,
  Matching,
  Override,
  UnmatchedReason,
} from './matching-types.ts';
import { mayBe } from './may-be.ts';
import { isLarger, mayBeUnread, objectionTo, relationOf } from './pair.ts';

/**
 * Finds the disk behind each blob; the rules are in `evidence.ts`. The order of blobs and disks does
 * not matter.
 *
 * An override is accepted if content and size prove nothing, or fit several disks. If they contradict it,
 * the blob is unmatched, and no other blob is matched to the disk it was named for, nor to the disk whose
 * content it has. Whichever disk is right, the file systems of both then wait for the blob.
 *
 * @param disks every whole disk of the machine, also those without a file system of the plan: a blob
 * that fits none of them is foreign
 * @throws FlashfreezeError FF_USAGE: a disk or a blob is named by two overrides; FF_DEVICE_NOT_FOUND:
 * an override names a device that is not a whole disk of this machine
 */
export function matchBlobs(
  blobs: readonly BlobContent[],
  disks: readonly DiskContent[],
  overrides: readonly Override[],
): Matching {
  checkOverrides(overrides, disks);
  const named = new Map(overrides.map(({ blob, disk }) => [blob, disk]));
  const context = contextOf(blobs, disks, named);
  const verdicts = inOrder(blobs).map((blob) => verdictOn(blob, context));
  const matches = verdicts.flatMap((it) =>
    it.kind === 'match' ? [{ blob: it.blob, disk: it.disk }] : [],
  );
  const matched = new Set(matches.map(({ disk }) => disk));
  const free = disks.filter(({ name }) => !matched.has(name));
  return {
    matches,
    unmatched: inOrder(blobs).flatMap((blob, index) => {
      const verdict = verdicts[index];
      return verdict?.kind === 'unmatched'
        ? [{ blob: blob.index, reason: verdict.reason, mayBe: mayBe(blob, free) }]
        : [];
    }),
    foreign: verdicts.flatMap(({ blob, kind }) => (kind === 'foreign' ? [blob] : [])),
  };
}

type Verdict = { readonly blob: number } & (
  | { readonly kind: 'match'; readonly disk: string }
  | { readonly kind: 'unmatched'; readonly reason: UnmatchedReason }
  | { readonly kind: 'foreign' }
);

/** What the verdict on a blob depends on besides the blob. */
interface MatchContext {
  readonly blobs: readonly BlobContent[];
  readonly disks: readonly DiskContent[];
  /** By blob, the disk that the caller named. */
  readonly named: ReadonlyMap<number, string>;
  /** The verdicts on blobs that cannot store the disk they were named for. */
  readonly misnamed: ReadonlyMap<number, Verdict>;
  /** For each blob that has to be matched by content alone: the disks that fit and are not named for any blob. */
  readonly candidates: ReadonlyMap<number, readonly DiskContent[]>;
}

function contextOf(
  blobs: readonly BlobContent[],
  disks: readonly DiskContent[],
  named: ReadonlyMap<number, string>,
): MatchContext {
  const misnamed = new Map(
    blobs.flatMap((blob) => {
      const verdict = verdictOnMisnamed(blob, disks, named.get(blob.index));
      return verdict === undefined ? [] : [[blob.index, verdict] as const];
    }),
  );
  const taken = new Set(named.values());
  const free = disks.filter(({ name }) => !taken.has(name));
  const open = blobs.filter(({ index }) => !named.has(index) || misnamed.has(index));
  const candidates = new Map(
    open.map((blob) => [blob.index, free.filter((disk) => fits(blob, disk))]),
  );
  return { blobs, disks, named, misnamed, candidates };
}

/** Undefined if nothing contradicts the disk that the caller named. */
function verdictOnMisnamed(
  blob: BlobContent,
  disks: readonly DiskContent[],
  named: string | undefined,
): Verdict | undefined {
  const disk = disks.find(({ name }) => name === named);
  if (disk === undefined || fits(blob, disk)) {
    return undefined;
  }
  const contentOf = namesOf(disks.filter((other) => fits(blob, other)));
  // Also if the named disk could not be read: a blob with another disk's content does not store it.
  const by = objectionTo(blob, disk) ?? (contentOf.length > 0 ? 'content' : undefined);
  if (by === undefined) {
    return undefined;
  }
  const larger = isLarger(blob, disk, by) && ({ isLarger: true } as const);
  return unmatched(blob.index, { kind: 'misnamed', disk: disk.name, by, ...larger, contentOf });
}

function verdictOn(blob: BlobContent, context: MatchContext): Verdict {
  const { index, identity } = blob;
  const disk = context.named.get(index);
  if (disk !== undefined) {
    return context.misnamed.get(index) ?? verdictOnNamed(blob, disk, context);
  }
  switch (identity.state) {
    case 'unreadable':
      return unmatched(index, { kind: 'unreadable', detail: identity.reason });
    case 'identified':
      return verdictOnCandidates(blob, context) ?? verdictOnRejected(blob, context);
    default:
      return unmatched(index, { kind: identity.state });
  }
}

/** Another blob's content outweighs the caller's statement, unless this blob's content confirms it. */
function verdictOnNamed(blob: BlobContent, name: string, context: MatchContext): Verdict {
  const disk = context.disks.find((it) => it.name === name);
  const isContradicted =
    disk !== undefined &&
    context.blobs.some(
      (other) =>
        other !== blob &&
        fits(other, disk) &&
        (context.misnamed.has(other.index) ||
          (context.candidates.get(other.index)?.length === 0 && !fits(blob, disk))),
    );
  return isContradicted
    ? unmatched(blob.index, { kind: 'doubted', disk: name })
    : { blob: blob.index, kind: 'match', disk: name };
}

/** Undefined if no free disk fits. */
function verdictOnCandidates(
  blob: BlobContent,
  { candidates, disks, named }: MatchContext,
): Verdict | undefined {
  const { index } = blob;
  const own = namesOf(candidates.get(index) ?? []);
  const [disk] = own;
  if (disk === undefined) {
    return undefined;
  }
  const rivals = [...candidates]
    .filter(([, fitting]) => fitting.some(({ name }) => own.includes(name)))
    .map(([blob]) => blob)
    .sort((first, second) => first - second);
  if (own.length > 1 || rivals.length > 1) {
    return unmatched(index, { kind: 'ambiguous', disks: own, blobs: rivals });
  }
  const taken = new Set(named.values());
  const unread = namesOf(disks.filter((it) => !taken.has(it.name) && mayBeUnread(blob, it)));
  return unread.length === 0
    ? { blob: index, kind: 'match', disk }
    : unmatched(index, { kind: 'unread-rivals', disk, rivals: unread });
}

function verdictOnRejected(blob: BlobContent, { disks }: MatchContext): Verdict {
  const sorted = [...disks].sort((first, second) => compareNames(first.name, second.name));
  // No free disk fits, so a disk that fits was named for another blob.
  const taken = sorted.find((disk) => fits(blob, disk));
  if (taken !== undefined) {
    return unmatched(blob.index, { kind: 'taken', disk: taken.name });
  }
  for (const disk of sorted) {
    const relation = relationOf(blob, disk);
    if (relation.kind === 'contradicted') {
      const { by, kind } = relation;
      const larger = isLarger(blob, disk, by) && ({ isLarger: true } as const);
      return unmatched(blob.index, { kind, disk: disk.name, by, ...larger });
    }
  }
  const unread = sorted.filter((disk) => mayBeUnread(blob, disk));
  const [because] = unread.flatMap(({ identity }) =>
    identity.state === 'unreadable' ? [identity.reason] : [],
  );
  return because === undefined
    ? { blob: blob.index, kind: 'foreign' }
    : unmatched(blob.index, { kind: 'disk-unreadable', disks: namesOf(unread), because });
}

function unmatched(blob: number, reason: UnmatchedReason): Verdict {
  return { blob, kind: 'unmatched', reason };
}

function fits(blob: BlobContent, disk: DiskContent): boolean {
  return relationOf(blob, disk).kind === 'candidate';
}

function checkOverrides(overrides: readonly Override[], disks: readonly DiskContent[]): void {
  const seen = new Set<string | number>();
  for (const { blob, disk } of overrides) {
    if (!disks.some(({ name }) => name === disk)) {
      throw new FlashfreezeError(
        'FF_DEVICE_NOT_FOUND',
        `--disk for blob ${blob + 1}: /dev/${disk} is not a whole disk of this machine; expected one of ${namesOf(disks).join(', ')}`,
      );
    }
    if (seen.has(disk) || seen.has(blob)) {
      const what = seen.has(disk) ? `disk /dev/${disk}` : `blob ${blob + 1}`;
      throw new FlashfreezeError(
        'FF_USAGE',
        `${what} was named twice: name each disk and each blob at most once`,
      );
    }
    seen.add(disk).add(blob);
  }
}

function inOrder(blobs: readonly BlobContent[]): BlobContent[] {
  return [...blobs].sort((first, second) => first.index - second.index);
}

function namesOf(disks: readonly DiskContent[]): string[] {
  return disks.map(({ name }) => name).sort(compareNames);
}

function compareNames(first: string, second: string): number {
  return first < second ? -1 : 1;
}
