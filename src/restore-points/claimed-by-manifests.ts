import { blobKey } from '../snapshot/blob/blob-place.ts';
import type { StoredSnapshot } from '../snapshot/inventory/stored-snapshot.ts';
import type { Manifest, StoredMember } from './restore-point.ts';

/**
 * The snapshots that a manifest names, by blob and time, as members of its restore point. A snapshot does not say so itself if
 * its request could not carry that (a SAS without `r`, or no room left in its metadata). Pure.
 *
 * @param snapshots those that say of no restore point that they belong to it
 */
export function claimedByManifests(
  snapshots: readonly StoredSnapshot[],
  manifests: readonly Manifest[],
): StoredMember[] {
  const claims = new Map(manifests.flatMap(claimsOf));
  return snapshots.flatMap(({ url, snapshot, sizeBytes, metadata }): StoredMember[] => {
    const membership = claims.get(keyOf(url, snapshot));
    const takenAt = new Date(snapshot);
    return membership === undefined || Number.isNaN(takenAt.getTime())
      ? []
      : [
          {
            place: { kind: 'blob', url, snapshot },
            takenAt,
            sizeBytes,
            membership,
            values: metadata,
          },
        ];
  });
}

function claimsOf(manifest: Manifest): [key: string, membership: StoredMember['membership']][] {
  const { id, host, vm, version, disks } = manifest;
  return disks.flatMap(({ position, device, lun, source, snapshot }) =>
    snapshot === null
      ? []
      : [
          [
            keyOf(source, snapshot),
            {
              ...{ restorePoint: id, position, count: disks.length, host, version },
              vm: vm ?? undefined,
              device: device ?? undefined,
              lun: lun ?? undefined,
            },
          ],
        ],
  );
}

function keyOf(url: string, snapshot: string): string {
  return `${blobKey(url)} ${snapshot}`;
}
