import type { StoredSnapshot } from '../snapshot/inventory/stored-snapshot.ts';
import { agrees, snapshotKey } from './contradictions.ts';
import { type Membership, membershipIn } from './membership.ts';
import type { Manifest, StoredMember } from './restore-point.ts';

/**
 * The snapshots that belong to a restore point. What a manifest names, by blob and time, belongs to that of the manifest, whatever its
 * metadata say: a snapshot has those of its blob if its request carried none (a SAS without `r`, no room left, another tool), and the
 * blob has those of an older snapshot that was copied onto it. If several manifests name it, it belongs to the restore point of the one that
 * its metadata agree with. Any other one belongs to the restore point that its metadata name. Pure.
 */
export function membersOf(
  snapshots: readonly StoredSnapshot[],
  manifests: readonly Manifest[],
): StoredMember[] {
  const claims = Map.groupBy(manifests.flatMap(claimsOf), ({ key }) => key);
  return snapshots.flatMap(({ url, snapshot, sizeBytes, metadata }): StoredMember[] => {
    const own = membershipIn(metadata);
    const claimed = (claims.get(snapshotKey(url, snapshot)) ?? []).map((it) => it.membership);
    const membership =
      claimed.find((it) => own !== undefined && agrees(own, it)) ?? claimed.at(-1) ?? own;
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

interface Claim {
  readonly key: string;
  readonly membership: Membership;
}

function claimsOf(manifest: Manifest): Claim[] {
  const { id, host, vm, version, disks } = manifest;
  return disks.flatMap(({ position, device, lun, source, snapshot }) =>
    snapshot === null
      ? []
      : [
          {
            key: snapshotKey(source, snapshot),
            membership: {
              ...{ restorePoint: id, position, count: disks.length, host, version },
              vm: vm ?? undefined,
              device: device ?? undefined,
              lun: lun ?? undefined,
            },
          },
        ],
  );
}
