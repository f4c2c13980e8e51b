import type { Cloud, CloudDisk } from './cloud.ts';
import type { ManagedDisk, ManagedVm } from './model.ts';

/** `GET …/disks/{name}`. */
export function diskResource(cloud: Cloud, { spec, id, uniqueId, sizeBytes }: CloudDisk): unknown {
  const { vm } = cloud;
  return {
    name: spec.name,
    id,
    type: 'Microsoft.Compute/disks',
    location: spec.location ?? vm.location,
    ...(vm.edgeZone === undefined
      ? {}
      : { extendedLocation: { name: vm.edgeZone, type: 'EdgeZone' } }),
    ...(vm.zone === '' ? {} : { zones: [vm.zone] }),
    managedBy: cloud.vmResourceId,
    sku: { name: spec.sku ?? 'Premium_LRS', tier: 'Premium' },
    properties: {
      ...(spec.lun < 0 ? { osType: 'Linux', hyperVGeneration: 'V2' } : {}),
      creationData: {
        createOption: spec.lun < 0 ? 'FromImage' : 'Empty',
        ...(spec.logicalSectorSize === undefined
          ? {}
          : { logicalSectorSize: spec.logicalSectorSize }),
      },
      diskSizeGB: Math.ceil(sizeBytes / 2 ** 30),
      diskSizeBytes: sizeBytes,
      diskIOPSReadWrite: 500,
      diskMBpsReadWrite: 100,
      ...encryptionOf(vm, spec),
      ...(spec.maxShares === undefined ? {} : { maxShares: spec.maxShares }),
      networkAccessPolicy: spec.networkAccessPolicy ?? 'AllowAll',
      publicNetworkAccess: spec.publicNetworkAccess ?? 'Enabled',
      timeCreated: '2026-01-15T08:30:12.1234567+00:00',
      provisioningState: 'Succeeded',
      diskState: spec.diskState ?? 'Attached',
      uniqueId,
    },
  };
}

function encryptionOf(vm: ManagedVm, spec: ManagedDisk): object {
  const { encryptionType, diskEncryptionSetId } = spec;
  return {
    encryption: {
      type: encryptionType ?? 'EncryptionAtRestWithPlatformKey',
      ...(diskEncryptionSetId === undefined ? {} : { diskEncryptionSetId }),
    },
    ...(spec.encryptedInGuest
      ? { encryptionSettingsCollection: { enabled: true, encryptionSettingsVersion: '1.1' } }
      : {}),
    ...(vm.securityType === '' || spec.lun >= 0
      ? {}
      : { securityProfile: { securityType: vm.securityType } }),
  };
}

/** `GET …/virtualMachines/{name}`: what a snapshot run may look at. */
export function vmResource(cloud: Cloud): unknown {
  const { vm } = cloud;
  const diskOf = ({ spec, id }: CloudDisk): Record<string, unknown> => ({
    name: spec.name,
    createOption: spec.lun < 0 ? 'FromImage' : 'Attach',
    caching: spec.caching ?? 'None',
    writeAcceleratorEnabled: spec.writeAccelerator ?? false,
    ...(spec.ephemeral ? { diffDiskSettings: { option: 'Local' } } : {}),
    ...(spec.vhdUri === undefined
      ? { managedDisk: { id, storageAccountType: spec.sku ?? 'Premium_LRS' } }
      : { vhd: { uri: spec.vhdUri } }),
  });
  const osDisk = cloud.disks.find(({ spec }) => spec.lun < 0);
  return {
    name: vm.name,
    id: cloud.vmResourceId,
    type: 'Microsoft.Compute/virtualMachines',
    location: vm.location,
    properties: {
      vmId: vm.vmId,
      hardwareProfile: { vmSize: vm.vmSize },
      provisioningState: 'Succeeded',
      storageProfile: {
        ...(osDisk === undefined ? {} : { osDisk: { osType: 'Linux', ...diskOf(osDisk) } }),
        dataDisks: cloud.disks
          .filter(({ spec }) => spec.lun >= 0)
          .map((disk) => ({ lun: disk.spec.lun, ...diskOf(disk) })),
      },
    },
  };
}
