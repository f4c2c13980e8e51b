import { EVIDENCE_KINDS, type Evidence, type EvidenceKind, type Identity } from './evidence.ts';

/** A disk image of which the first bytes are known: a local disk, or a blob. */
export interface Content {
  readonly identity: Identity;
  /** Undefined where the service did not say. */
  readonly sizeBytes: number | undefined;
}

/** What speaks against a pair: evidence that differs, the sizes, or content of another sort altogether. */
export type Contradiction = EvidenceKind | 'size' | 'content';

/** What a blob and a disk are to each other. */
export type Relation =
  /** They share identifying evidence and nothing speaks against them. */
  | { readonly kind: 'candidate' }
  /** They share evidence, but none that identifies, or something speaks against them. */
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

/** What speaks against a pair that the caller has named. */
export function objectionTo(blob: Content, disk: Content): Contradiction | undefined {
  const unread = [blob, disk].some(({ identity }) => identity.state === 'unreadable');
  const by = contradictionBetween(blob, disk);
  if (by !== undefined || unread) {
    return by;
  }
  const alike =
    blob.identity.state === 'identified'
      ? relationOf(blob, disk).kind === 'candidate'
      : blob.identity.state === disk.identity.state;
  return alike ? undefined : 'content';
}

/** Whether a disk that could not be read may be the one behind the blob. */
export function mayBeUnread(blob: Content, disk: Content): boolean {
  return disk.identity.state === 'unreadable' && sizesAgree(blob, disk);
}

function evidenceIn(identity: Identity): readonly Evidence[] {
  return identity.state === 'identified' ? identity.evidence : [];
}

/** Kinds of the evidence that both have alike, common ones left out. */
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
