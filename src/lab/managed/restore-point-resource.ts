import type { Cloud, CloudDisk } from './cloud.ts';
import type { Operation } from './operations.ts';
import type { Picture } from './pictures.ts';
import type { CollectionBody, RestorePointBody } from './snapshot-body.ts';

export interface Collection {
  readonly id: string;
  readonly name: string;
  body: CollectionBody;
}

export interface RestorePoint {
  readonly id: string;
  readonly name: string;
  readonly collection: string;
  readonly body: RestorePointBody;
  readonly timeCreated: string;
  readonly createdMs: number;
  readonly disks: readonly CloudDisk[];
  readonly pictures: Map<CloudDisk, Picture>;
  provisioningState: 'Creating' | 'Succeeded' | 'Failed';
  operation: Operation | undefined;
  endedNs: bigint | undefined;
}

/** @param restorePoints only if they are asked for */
export function collectionResource(
  { id, name, body }: Collection,
  restorePoints?: readonly unknown[],
): unknown {
  const { location, tags = {}, properties } = body;
  return {
    ...{ id, name, type: 'Microsoft.Compute/restorePointCollections', location, tags },
    properties: {
      source: { id: properties.source.id, location },
      provisioningState: 'Succeeded',
      restorePointCollectionId: id,
      ...(restorePoints && { restorePoints }),
    },
  };
}

/** `GET …/diskRestorePoints/{name}`: it says neither its location nor its exact size. */
export function diskPointResource(point: RestorePoint, disk: CloudDisk, cloud: Cloud): unknown {
  const { spec, id, uniqueId, familyId } = disk;
  return {
    id: `${point.id}/diskRestorePoints/${diskPointName(disk)}`,
    name: diskPointName(disk),
    properties: {
      timeCreated: point.timeCreated,
      sourceResourceId: id,
      ...(spec.lun < 0 ? { osType: 'Linux', hyperVGeneration: 'V2' } : {}),
      ...{ sourceUniqueId: uniqueId, familyId },
      encryption: { type: spec.encryptionType ?? 'EncryptionAtRestWithPlatformKey' },
      networkAccessPolicy: spec.networkAccessPolicy ?? 'AllowAll',
      publicNetworkAccess: spec.publicNetworkAccess ?? 'Enabled',
      sourceResourceLocation: spec.location ?? cloud.vm.location,
    },
  };
}

export function pointResource(point: RestorePoint, cloud: Cloud): unknown {
  const diskOf = (disk: CloudDisk): object => ({
    name: disk.spec.name,
    ...(disk.spec.lun < 0 ? { osType: 'Linux' } : { lun: disk.spec.lun }),
    caching: disk.spec.caching ?? 'None',
    diskSizeGB: Math.ceil(disk.sizeBytes / 2 ** 30),
    managedDisk: { id: disk.id, storageAccountType: disk.spec.sku ?? 'Premium_LRS' },
    diskRestorePoint: { id: `${point.id}/diskRestorePoints/${diskPointName(disk)}` },
  });
  const [osDisk] = point.disks.filter(({ spec }) => spec.lun < 0);
  const dataDisks = point.disks.filter(({ spec }) => spec.lun >= 0);
  return {
    ...{ id: point.id, name: point.name },
    properties: {
      provisioningState: point.provisioningState,
      consistencyMode: point.body.properties?.consistencyMode ?? 'ApplicationConsistent',
      timeCreated: point.timeCreated,
      excludeDisks: point.body.properties?.excludeDisks ?? [],
      sourceMetadata: {
        vmId: cloud.vm.vmId,
        location: cloud.vm.location,
        hardwareProfile: { vmSize: cloud.vm.vmSize },
        storageProfile: {
          ...(osDisk === undefined ? {} : { osDisk: diskOf(osDisk) }),
          dataDisks: dataDisks.map(diskOf),
        },
      },
    },
  };
}

export const diskPointName = ({ spec, uniqueId }: CloudDisk): string => `${spec.name}_${uniqueId}`;
