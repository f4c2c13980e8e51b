import type { Manifest, StoredMember } from '../restore-points/restore-point.ts';
import type { DiskHeads, Head } from './head-types.ts';

/**
 * Why a disk made of this snapshot would not mount without recovery, or is not the disk of its restore point; empty if
 * nothing shows that. Pure.
 *
 * @param manifest of the restore point, if there is one
 */
export function problemsOfDisk(
  { membership: { position }, sizeBytes }: Pick<StoredMember, 'membership' | 'sizeBytes'>,
  { heads }: DiskHeads,
  manifest: Pick<Manifest, 'disks' | 'fileSystems'> | undefined,
): string[] {
  const disk = manifest?.disks.find((it) => it.position === position);
  return [
    ...faultsOf(heads),
    ...(disk === undefined || disk.sizeBytes === null || disk.sizeBytes === sizeBytes
      ? []
      : [`it has ${sizeBytes} bytes; the manifest says ${disk.sizeBytes}`]),
    ...(disk?.showsInstant === false ? ['the run could not prove that it shows the instant'] : []),
    ...missingFileSystems(position, heads, manifest),
  ];
}

/** What is wrong with heads by themselves. Pure. */
export function faultsOf(heads: readonly Head[]): string[] {
  return heads.flatMap(({ where, kind, state, detail }) => {
    const fault = FAULTS[state];
    return fault === undefined ? [] : [`${where} (${kind}): ${fault}: ${detail}`];
  });
}

const FAULTS: Readonly<Partial<Record<Head['state'], string>>> = {
  needsRecovery: 'a mount has to recover it',
  damaged: 'damaged',
};

/** Containers hide what is in them: a file system may lie in one. */
const OPAQUE: readonly Head['kind'][] = ['lvm', 'luks', 'md', 'extended'];
/** Types whose heads are read. Any other one, e.g. exfat, lies in what shows nothing known. */
const JUDGED_TYPES = /^(?:ext[234]|xfs|btrfs|vfat)$/;
/** A disk or a partition, no device that is mapped to one. */
const PLAIN_DEVICE = /^\/dev\/(?:(?:sd|vd|xvd|hd|ubd)[a-z]+\d*|nvme\d+n\d+(?:p\d+)?)$/;

function missingFileSystems(
  position: number,
  heads: readonly Head[],
  manifest: Pick<Manifest, 'fileSystems'> | undefined,
): string[] {
  const found = new Set(heads.map(({ uuid }) => uuid?.toLowerCase()));
  const own = manifest?.fileSystems.filter(
    ({ disks, uuid, source }) =>
      disks.length === 1 && disks[0] === position && uuid !== null && !isInImage(source),
  );
  return (own ?? [])
    .filter((it) => !found.has(it.uuid?.toLowerCase()) && !mayLieIn(heads, it))
    .map(missing);
}

/**
 * File systems that lie on several disks, or on a disk with LVM or md, and that no head of the set shows: problems by the position
 * of their first disk. Nothing is said of one that may lie in something that was not looked into. Pure.
 *
 * @param hiding positions of disks of which something was not looked into
 */
export function missingInSet(
  disks: readonly {
    readonly member: Pick<StoredMember, 'membership'>;
    readonly heads: readonly Head[];
  }[],
  manifest: Pick<Manifest, 'fileSystems'> | undefined,
  hiding: ReadonlySet<number>,
): ReadonlyMap<number, string[]> {
  const found = new Set(disks.flatMap(({ heads }) => heads.map(({ uuid }) => uuid?.toLowerCase())));
  const headsOf = new Map(disks.map((it) => [it.member.membership.position, it.heads] as const));
  const problems = new Map<number, string[]>();
  for (const it of manifest?.fileSystems ?? []) {
    const [first] = it.disks;
    const isInSet = it.disks.every((disk) => headsOf.has(disk) && !hiding.has(disk));
    const wasLeftOut =
      it.disks.length > 1 || it.disks.some((disk) => mayLieIn(headsOf.get(disk) ?? [], it));
    const isMissing = it.uuid !== null && !found.has(it.uuid.toLowerCase());
    if (first !== undefined && isInSet && wasLeftOut && isMissing && !isInImage(it.source)) {
      problems.set(first, [...(problems.get(first) ?? []), missing(it)]);
    }
  }
  return problems;
}

/**
 * Whether a file system that no head shows may lie in one of them. One whose head would be read, and that lay directly on a disk
 * or partition, is not in what shows nothing known, e.g. data that is encrypted with its header elsewhere.
 */
function mayLieIn(
  heads: readonly Head[],
  { type, source }: Pick<Manifest['fileSystems'][number], 'type' | 'source'>,
): boolean {
  const wouldShow = JUDGED_TYPES.test(type) && PLAIN_DEVICE.test(source);
  return heads.some(({ kind }) => OPAQUE.includes(kind) || (kind === 'unknown' && !wouldShow));
}

function missing({ uuid, mountPoints }: Manifest['fileSystems'][number]): string {
  return `no file system with the UUID ${uuid}, which was mounted at ${mountPoints[0] ?? '?'}`;
}

/** A file system in an image lies in a file of another one; heads do not show it. */
export function isInImage(source: string): boolean {
  return source.startsWith('/dev/loop');
}
