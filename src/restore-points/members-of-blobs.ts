import { blobKey } from '../snapshot/blob/blob-place.ts';
import type { StoredSnapshot } from '../snapshot/inventory/stored-snapshot.ts';
import { membershipIn } from './membership.ts';
import type { Manifest, StoredMember } from './restore-point.ts';

/**
 * The snapshots that belong to a restore point. What a manifest names, by blob and time, belongs to that of the manifest, whatever its
 * metadata say: a snapshot has those of its blob if its request carried none (a SAS without `r`, no room left, another tool), and the
 * blob has those of an older snapshot that was copied onto it. Any other one belongs to the restore point that its metadata name. Pure.
 */
export function membersOf(
  snapshots: readonly StoredSnapshot[],
  manifests: readonly Manifest[],
): StoredMember[] {
  const claims = new Map(manifests.flatMap(claimsOf));
  return snapshots.flatMap(({ url, snapshot, sizeBytes, metadata }): StoredMember[] => {
    const membership = claims.get(keyOf(url, snapshot)) ?? membershipIn(metadata);
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
