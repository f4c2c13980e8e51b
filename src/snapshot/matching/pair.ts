import { EVIDENCE_KINDS, type Evidence, type EvidenceKind, type Identity } from './evidence.ts';

/** A local disk or a blob, with what its first bytes show. */
export interface Content {
  readonly identity: Identity;
  /** Undefined if the service did not report it. */
  readonly sizeBytes: number | undefined;
}

/** What contradicts a pair: evidence that differs, different sizes, or content of a different kind. */
export type Contradiction = EvidenceKind | 'size' | 'content';

/** How a blob and a disk are related. */
export type Relation =
  /** They share identifying evidence and nothing contradicts the pair. */
  | { readonly kind: 'candidate' }
  /** They share evidence, but none of it is identifying, or something contradicts the pair. */
  | { readonly kind: 'contradicted'; readonly by: Contradiction }
  | { readonly kind: 'unrelated' };

/** A fixed VHD is its disk's content followed by one sector. */
const VHD_FOOTER_BYTES = 512;

export function relationOf(blob: Content, disk: Content): Relation {
  const shared = sharedEvidence(evidenceIn(blob.identity), evidenceIn(disk.identity));
  if (shared.length === 0) {
    return { kind: 'unrelated' };
  }
  const identifying = shared.some((kind) => EVIDENCE_KINDS[kind] === 'identifying');
  const by = contradictionBetween(blob, disk) ?? (identifying ? undefined : 'content');
  return by === undefined ? { kind: 'candidate' } : { kind: 'contradicted', by };
}

/** What contradicts a pair that the caller has named; undefined if nothing does. */
export function objectionTo(blob: Content, disk: Content): Contradiction | undefined {
  const unread = [blob, disk].some(({ identity }) => identity.state === 'unreadable');
  const by = contradictionBetween(blob, disk);
  if (by !== undefined || unread) {
    return by;
  }
  const isSameContent =
    blob.identity.state === 'identified'
      ? relationOf(blob, disk).kind === 'candidate'
      : blob.identity.state === disk.identity.state;
  return isSameContent ? undefined : 'content';
}

/** Whether a contradiction is that the blob is larger than the disk, by more than a footer. */
export function isLarger(blob: Content, disk: Content, by: Contradiction): boolean {
  return by === 'size' && (blob.sizeBytes ?? 0) > (disk.sizeBytes ?? 0);
}

/** Whether the blob may store this disk, which could not be read. */
export function mayBeUnread(blob: Content, disk: Content): boolean {
  return disk.identity.state === 'unreadable' && sizesAgree(blob, disk);
}

function evidenceIn(identity: Identity): readonly Evidence[] {
  return identity.state === 'identified' ? identity.evidence : [];
}

/** The kinds of evidence that are equal on both, without the common ones. */
function sharedEvidence(blob: readonly Evidence[], disk: readonly Evidence[]): EvidenceKind[] {
  return blob
    .filter(({ kind }) => EVIDENCE_KINDS[kind] !== 'common')
    .filter(({ kind, value }) => disk.some((it) => it.kind === kind && it.value === value))
    .map(({ kind }) => kind);
}

function contradictionBetween(blob: Content, disk: Content): Contradiction | undefined {
  if (!sizesAgree(blob, disk)) {
    return 'size';
  }
  const onDisk = new Map(evidenceIn(disk.identity).map(({ kind, value }) => [kind, value]));
  return evidenceIn(blob.identity).find(({ kind, value }) => (onDisk.get(kind) ?? value) !== value)
    ?.kind;
}

function sizesAgree(blob: Content, disk: Content): boolean {
  if (blob.sizeBytes === undefined || disk.sizeBytes === undefined) {
    return true;
  }
  const extra = blob.sizeBytes - disk.sizeBytes;
  return extra === 0 || extra === VHD_FOOTER_BYTES;
}
