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
  const ofHeads = heads.flatMap(({ where, kind, state, detail }) => {
    const fault = FAULTS[state];
    return fault === undefined ? [] : [`${where} (${kind}): ${fault}: ${detail}`];
  });
  return [
    ...ofHeads,
    ...(disk === undefined || disk.sizeBytes === null || disk.sizeBytes === sizeBytes
      ? []
      : [`it has ${sizeBytes} bytes; the manifest says ${disk.sizeBytes}`]),
    ...(disk?.showsInstant === false ? ['the run could not prove that it shows the instant'] : []),
    ...missingFileSystems(position, heads, manifest),
  ];
}

const FAULTS: Readonly<Partial<Record<Head['state'], string>>> = {
  needsRecovery: 'a mount has to recover it',
  damaged: 'damaged',
};

/** Containers hide what is in them: a file system may lie in one. */
const OPAQUE: readonly Head['kind'][] = ['lvm', 'luks', 'md', 'extended'];

function missingFileSystems(
  position: number,
  heads: readonly Head[],
  manifest: Pick<Manifest, 'fileSystems'> | undefined,
): string[] {
  if (heads.some(({ kind }) => OPAQUE.includes(kind))) {
    return [];
  }
  const found = new Set(heads.map(({ uuid }) => uuid?.toLowerCase()));
  const own = manifest?.fileSystems.filter(
    ({ disks, uuid, source }) =>
      disks.length === 1 && disks[0] === position && uuid !== null && !isInImage(source),
  );
  return (own ?? [])
    .filter(({ uuid }) => !found.has(uuid?.toLowerCase()))
    .map(
      ({ uuid, mountPoints }) =>
        `no file system with the UUID ${uuid}, which was mounted at ${mountPoints[0] ?? '?'}`,
    );
}

/** A file system in an image lies in a file of another one; heads do not show it. */
function isInImage(source: string): boolean {
  return source.startsWith('/dev/loop');
}
