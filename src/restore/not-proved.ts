import { leavesOutFileSystems } from '../restore-points/manifest-file.ts';
import type { Manifest, StoredMember } from '../restore-points/restore-point.ts';
import type { Head } from './head-types.ts';
import { isInImage } from './judge-disk.ts';

/** What was found of the disks of a restore point, after their volumes were put together. */
export interface FoundDisk {
  readonly member: Pick<StoredMember, 'membership'>;
  readonly heads: readonly Head[];
}

type Recorded = Pick<Manifest, 'disks' | 'fileSystems' | 'problems'>;

/**
 * What was not looked into and might have to be recovered, or be missing, by the position of the disk; for people. It does not count
 * where the manifest accounts for the disk: it names the disk and its device, leaves out no file system, and every file system that
 * was mounted from the disk, or from a disk that it does not name, was found clean, so that what is left held none (e.g. a blank
 * disk). Pure.
 *
 * @param manifest of the restore point, if there is one
 */
export function notProved(
  disks: readonly FoundDisk[],
  manifest: Recorded | undefined,
): ReadonlyMap<number, readonly string[]> {
  const clean = new Set(
    disks.flatMap(({ heads }) =>
      heads.flatMap(({ state, uuid }) =>
        state === 'clean' && uuid !== undefined ? [uuid.toLowerCase()] : [],
      ),
    ),
  );
  return new Map(
    disks.map(({ member, heads }) => {
      const { position } = member.membership;
      const isAccountedFor = manifest !== undefined && accountsFor(manifest, position, clean);
      return [position, isAccountedFor ? [] : unread(heads)] as const;
    }),
  );
}

/** The run knew which file systems lay on a disk by its device only: of a disk without one, it recorded none. */
function accountsFor(manifest: Recorded, position: number, clean: ReadonlySet<string>): boolean {
  const { disks, fileSystems } = manifest;
  const isKnown = disks.some((disk) => disk.position === position && disk.device !== null);
  const mayLieHere = fileSystems.filter(
    (it) => (it.disks.includes(position) || it.disks.length === 0) && !isInImage(it.source),
  );
  return (
    isKnown &&
    !leavesOutFileSystems(manifest) &&
    mayLieHere.every(({ uuid }) => uuid !== null && clean.has(uuid.toLowerCase()))
  );
}

function unread(heads: readonly Head[]): string[] {
  return heads.length === 0
    ? ['nothing on it was looked into']
    : heads.flatMap(({ where, kind, state, detail }) =>
        state === 'notLookedInto' ? [`${where} (${kind}): ${detail}`] : [],
      );
}
