import { FlashfreezeError } from '../../errors.ts';
import { type Content, type Contradiction, mayBeUnread, objectionTo, relationOf } from './pair.ts';

export interface BlobContent extends Content {
  /** Index of the target. */
  readonly index: number;
}

export interface DiskContent extends Content {
  /** Kernel name, e.g. `sdc`. */
  readonly name: string;
}

/** The caller's word that a blob is behind a disk (`--disk /dev/sdc=<url>`). */
export interface Override {
  readonly blob: number;
  /** Kernel name. */
  readonly disk: string;
}

export interface Match {
  readonly blob: number;
  readonly disk: string;
}

/** Why it is not known which disk a blob is behind. */
export type UnmatchedReason =
  | { readonly kind: 'unreadable'; readonly detail: string }
  | { readonly kind: 'blank' | 'unrecognized' | 'dynamic-vhd' }
  /** Several disks fit, or several blobs fit the disk: clones. */
  | {
      readonly kind: 'ambiguous';
      readonly disks: readonly string[];
      readonly blobs: readonly number[];
    }
  /** Its content is that of the disk, but something speaks against it. */
  | { readonly kind: 'contradicted'; readonly disk: string; readonly by: Contradiction }
  /** The disk that it fits has been given to another blob by the caller. */
  | { readonly kind: 'taken'; readonly disk: string }
  /** It fits no disk that could be read. */
  | { readonly kind: 'disk-unreadable'; readonly disks: readonly string[] };

/** Every blob is in exactly one of `matches`, `unmatched` and `foreign`; each sorted by blob. */
export interface Matching {
  readonly matches: readonly Match[];
  readonly unmatched: readonly { readonly blob: number; readonly reason: UnmatchedReason }[];
  /** Blobs with an identity of their own that belongs to none of this machine's disks. */
  readonly foreign: readonly number[];
  /** Overrides, in `matches` all the same, that the content speaks against. */
  readonly objections: readonly (Match & { readonly by: Contradiction })[];
}

/**
 * Finds the disk behind each blob; the rules are in `evidence.ts`. The order of blobs and disks does
 * not matter.
 *
 * @param disks every whole disk of the machine, also those without a file system of the plan: a blob
 * that fits none of them is foreign
 * @throws FlashfreezeError FF_USAGE: a disk or a blob is named by two overrides; FF_DEVICE_NOT_FOUND:
 * an override names what is no whole disk of this machine
 */
export function matchBlobs(
  blobs: readonly BlobContent[],
  disks: readonly DiskContent[],
  overrides: readonly Override[],
): Matching {
  checkOverrides(overrides, disks);
  const taken = new Set(overrides.map(({ disk }) => disk));
  const named = new Map(overrides.map((override) => [override.blob, override]));
  const open = blobs.filter(({ index }) => !named.has(index));
  const candidates = new Map(
    open.map((blob) => [
      blob.index,
      disks.filter(({ name }) => !taken.has(name)).filter((disk) => fits(blob, disk)),
    ]),
  );
  const verdicts = inOrder(open).map((blob) => verdictOn(blob, disks, taken, candidates));
  return {
    matches: [...verdicts.flatMap((it) => (it.kind === 'match' ? [it.match] : [])), ...overrides]
      .map(({ blob, disk }) => ({ blob, disk }))
      .sort((first, second) => first.blob - second.blob),
    unmatched: verdicts.flatMap(({ blob, ...it }) =>
      it.kind === 'unmatched' ? [{ blob, reason: it.reason }] : [],
    ),
    foreign: verdicts.flatMap(({ blob, kind }) => (kind === 'foreign' ? [blob] : [])),
    objections: inOrder(blobs).flatMap((blob) => objections(blob, disks, named.get(blob.index))),
  };
}

type Verdict = { readonly blob: number } & (
  | { readonly kind: 'match'; readonly match: Match }
  | { readonly kind: 'unmatched'; readonly reason: UnmatchedReason }
  | { readonly kind: 'foreign' }
);

type Candidates = ReadonlyMap<number, readonly DiskContent[]>;

function verdictOn(
  blob: BlobContent,
  disks: readonly DiskContent[],
  taken: ReadonlySet<string>,
  candidates: Candidates,
): Verdict {
  const { index, identity } = blob;
  switch (identity.state) {
    case 'unreadable':
      return unmatched(index, { kind: 'unreadable', detail: identity.reason });
    case 'identified':
      return verdictOnCandidates(blob, candidates) ?? verdictOnRejected(blob, disks, taken);
    default:
      return unmatched(index, { kind: identity.state });
  }
}

/** Undefined where no disk that is still free fits. */
function verdictOnCandidates({ index }: BlobContent, candidates: Candidates): Verdict | undefined {
  const own = namesOf(candidates.get(index) ?? []);
  const [disk] = own;
  if (disk === undefined) {
    return undefined;
  }
  const rivals = [...candidates]
    .filter(([, fitting]) => fitting.some(({ name }) => own.includes(name)))
    .map(([blob]) => blob)
    .sort((first, second) => first - second);
  return own.length === 1 && rivals.length === 1
    ? { blob: index, kind: 'match', match: { blob: index, disk } }
    : unmatched(index, { kind: 'ambiguous', disks: own, blobs: rivals });
}

function verdictOnRejected(
  blob: BlobContent,
  disks: readonly DiskContent[],
  taken: ReadonlySet<string>,
): Verdict {
  const sorted = [...disks].sort((first, second) => compareNames(first.name, second.name));
  const fitting = sorted.find((disk) => taken.has(disk.name) && fits(blob, disk));
  if (fitting !== undefined) {
    return unmatched(blob.index, { kind: 'taken', disk: fitting.name });
  }
  for (const disk of sorted) {
    const relation = relationOf(blob, disk);
    if (relation.kind === 'contradicted') {
      return unmatched(blob.index, { kind: 'contradicted', disk: disk.name, by: relation.by });
    }
  }
  const unread = namesOf(sorted.filter((disk) => mayBeUnread(blob, disk)));
  return unread.length === 0
    ? { blob: blob.index, kind: 'foreign' }
    : unmatched(blob.index, { kind: 'disk-unreadable', disks: unread });
}

function unmatched(blob: number, reason: UnmatchedReason): Verdict {
  return { blob, kind: 'unmatched', reason };
}

function fits(blob: BlobContent, disk: DiskContent): boolean {
  return relationOf(blob, disk).kind === 'candidate';
}

function objections(
  blob: BlobContent,
  disks: readonly DiskContent[],
  override: Override | undefined,
): Matching['objections'] {
  const disk = disks.find(({ name }) => name === override?.disk);
  const by = disk === undefined ? undefined : objectionTo(blob, disk);
  return disk === undefined || by === undefined ? [] : [{ blob: blob.index, disk: disk.name, by }];
}

function checkOverrides(overrides: readonly Override[], disks: readonly DiskContent[]): void {
  const seen = new Set<string | number>();
  for (const { blob, disk } of overrides) {
    if (!disks.some(({ name }) => name === disk)) {
      throw new FlashfreezeError(
        'FF_DEVICE_NOT_FOUND',
        `/dev/${disk} was named for blob ${blob + 1}, but it is no whole disk of this machine: expected one of ${namesOf(disks).join(', ')}`,
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
