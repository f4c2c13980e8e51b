import type { Cloud, CloudDisk } from './cloud.ts';

type Json = string | { readonly [key: string]: Json } | readonly Json[];

/** `compute` as the instance metadata service shows it: every leaf is a string, and what is not known is empty. */
export function computeDocument(cloud: Cloud, version: string): Json {
  const { vm } = cloud;
  const since = (first: string, fields: Record<string, Json>): Record<string, Json> =>
    version >= first ? fields : {};
  const shown = cloud.disks.filter(({ spec }) => !spec.hiddenFromMetadata);
  const osDisk = shown.find(({ spec }) => spec.lun < 0);
  return {
    ...since('2018-10-01', { azEnvironment: vm.environment }),
    ...since('2021-03-01', {
      extendedLocation: {
        type: vm.edgeZone === undefined ? '' : 'EdgeZone',
        name: vm.edgeZone ?? '',
      },
    }),
    location: vm.location,
    name: vm.name,
    osType: 'Linux',
    provider: 'Microsoft.Compute',
    resourceGroupName: vm.shoutsGroups ? vm.resourceGroup.toUpperCase() : vm.resourceGroup,
    ...since('2019-03-11', { resourceId: asShown(cloud, cloud.vmResourceId) }),
    ...since('2021-12-13', {
      securityProfile: {
        encryptionAtHost: String(vm.encryptionAtHost),
        secureBootEnabled: 'false',
        securityType: vm.securityType,
        virtualTpmEnabled: 'false',
      },
    }),
    ...since('2019-06-01', {
      storageProfile: {
        dataDisks: shown
          .filter(({ spec }) => spec.lun >= 0)
          .map((disk) => ({ ...diskDocument(cloud, disk), ...dataDiskDocument(disk, since) })),
        osDisk: osDisk === undefined ? {} : osDiskDocument(cloud, osDisk),
        resourceDisk: { size: '0' },
      },
    }),
    subscriptionId: vm.subscriptionId,
    virtualMachineScaleSet: { id: vm.scaleSetId },
    vmId: vm.vmId,
    vmScaleSetName: '',
    vmSize: vm.vmSize,
    zone: vm.zone,
  };
}

function diskDocument(cloud: Cloud, { spec, id, sizeBytes }: CloudDisk): Record<string, Json> {
  const isBlob = spec.vhdUri !== undefined;
  return {
    caching: spec.caching ?? 'None',
    createOption: spec.lun < 0 ? 'FromImage' : 'Attach',
    diskSizeGB: String(Math.ceil(sizeBytes / 2 ** 30)),
    image: { uri: '' },
    managedDisk: {
      id: isBlob ? '' : asShown(cloud, id),
      storageAccountType: isBlob ? '' : (spec.sku ?? 'Premium_LRS'),
    },
    name: spec.name,
    vhd: { uri: spec.vhdUri ?? '' },
    writeAcceleratorEnabled: String(spec.writeAccelerator ?? false),
  };
}

function dataDiskDocument(
  { spec, sizeBytes }: CloudDisk,
  since: (first: string, fields: Record<string, Json>) => Record<string, Json>,
): Record<string, Json> {
  const isUltra = spec.sku === 'UltraSSD_LRS';
  return {
    lun: String(spec.lun),
    ...since('2021-05-01', {
      bytesPerSecondThrottle: '979202048',
      diskCapacityBytes: isUltra ? String(sizeBytes) : '',
      // The page says that it is filled in for Ultra disks alone.
      isSharedDisk: isUltra ? String((spec.maxShares ?? 1) > 1) : '',
      isUltraDisk: String(isUltra),
      opsPerSecondThrottle: '65280',
    }),
  };
}

function osDiskDocument(cloud: Cloud, disk: CloudDisk): Record<string, Json> {
  return {
    ...diskDocument(cloud, disk),
    diffDiskSettings: { option: disk.spec.ephemeral ? 'Local' : '' },
    encryptionSettings: {
      diskEncryptionKey: { secretUrl: '', sourceVault: { id: '' } },
      enabled: String(disk.spec.encryptedInGuest ?? false),
      keyEncryptionKey: { keyUrl: '', sourceVault: { id: '' } },
    },
    osType: 'Linux',
  };
}

function asShown({ vm }: Cloud, id: string): string {
  return vm.shoutsGroups
    ? id.replace(/(\/resourceGroups\/)([^/]+)/, (_all, part, group) => part + group.toUpperCase())
    : id;
}
