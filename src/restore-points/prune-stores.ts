import { nameInContainer } from '../snapshot/blob/blob-place.ts';
import { deleteFromContainer } from '../snapshot/inventory/container.ts';
import { parseArmId, parseDiskPointId } from '../snapshot/managed/arm-id.ts';
import { type DeleteOptions, deleteDiskSnapshot } from '../snapshot/managed/delete-snapshot.ts';
import { deleteRestorePoint } from '../snapshot/managed/restore-point-deletion.ts';
import { machineOf } from './machine.ts';
import type { ManagedService } from './managed-service.ts';
import type { BlobContainer, StoredManifest } from './read-blobs.ts';
import type { RestorePoint, SnapshotPlace } from './restore-point.ts';

/** Where snapshots and manifests are deleted. The results say why something was not deleted; undefined: it is gone. */
export interface PointStore {
  readonly deleteSnapshot: (place: SnapshotPlace) => Promise<string | undefined>;
  readonly deleteManifest: (point: RestorePoint) => Promise<string | undefined>;
  /** Whether the snapshots of a disk are listed here: by the URL of its blob or the id of the disk. */
  readonly isListed: (source: string) => boolean;
}

const GONE: readonly (string | undefined)[] = [
  undefined,
  'BlobNotFound',
  'SnapshotNotFound',
  'HTTP 404',
];

export function blobStore(
  containers: readonly BlobContainer[],
  manifests: readonly StoredManifest[],
): PointStore {
  const containerOf = (url: string): BlobContainer | undefined =>
    containers.find((it) => nameInContainer(it.url, url) !== undefined);
  const remove = async (
    container: BlobContainer,
    blob: string,
    snapshot: string | undefined,
  ): Promise<string | undefined> => {
    const reason = await deleteFromContainer(container.url, { blob, snapshot }, container.proxy);
    // Another prune may have deleted it meanwhile.
    return GONE.includes(reason) ? undefined : reason;
  };
  return {
    isListed: (source) => containerOf(source) !== undefined,
    deleteSnapshot: async (place) => {
      const container = place.kind === 'blob' ? containerOf(place.url) : undefined;
      const blob =
        place.kind === 'blob' && container !== undefined
          ? nameInContainer(container.url, place.url)
          : undefined;
      if (place.kind !== 'blob' || container === undefined || blob === undefined) {
        return 'it lies in none of the containers';
      }
      return await remove(container, blob, place.snapshot);
    },
    deleteManifest: async ({ id, manifest }) => {
      const own = manifests.filter(
        (it) =>
          manifest !== undefined &&
          it.manifest.id === id &&
          machineOf(it.manifest) === machineOf(manifest),
      );
      const reasons = await Promise.all(
        own.map(({ container, blob }) => remove(container, blob, undefined)),
      );
      return reasons.find((reason) => reason !== undefined);
    },
  };
}

export function managedStore(service: ManagedService): PointStore {
  const deleteOptions = async (): Promise<DeleteOptions> => ({
    origin: service.origin,
    proxy: service.proxy,
    authorization: await service.tokens.forNow(),
  });
  // A restore point of a VM is deleted as a whole, with its first disk.
  const deletedPoints = new Map<string, Promise<string | undefined>>();
  const deletePoint = async (point: string): Promise<string | undefined> => {
    const deletion =
      deletedPoints.get(point) ??
      deleteOptions().then((options) => deleteRestorePoint(point, options));
    deletedPoints.set(point, deletion);
    return await deletion;
  };
  return {
    // The snapshots of a run are in one resource group, in the subscription of each disk.
    isListed: (source) =>
      parseArmId(source, 'disks')?.subscription.toLowerCase() ===
      service.subscription.toLowerCase(),
    deleteSnapshot: async (place) => {
      if (place.kind !== 'managed') {
        return 'it is no snapshot of a managed disk';
      }
      const ofPoint = parseDiskPointId(place.id);
      return ofPoint === undefined
        ? await deleteDiskSnapshot(place.id, await deleteOptions())
        : await deletePoint(ofPoint.point);
    },
    deleteManifest: () => Promise.resolve(undefined),
  };
}
