// Puts flashfreeze on every instance of a scale set of Linux VMs, those to come included, and takes no snapshot:
// the blobs of each instance are its own, so each gets its tasks by itself (as in vm.bicep, or from a backup
// service).
//   az deployment group create -g <group> -f scale-set.bicep -p scaleSetName=<scale set>
//   az vmss update-instances -g <group> -n <scale set> --instance-ids '*'      with a manual upgrade policy

@description('Name of the scale set')
param scaleSetName string

@description('Publisher, the part of the package name before the last dot')
param publisher string = 'Flashfreeze'

@description('Type, the part of the package name after the last dot')
param extensionType string = 'FlashfreezeLinux'

@description('Major and minor version of the package')
param typeHandlerVersion string = '0.1'

resource scaleSet 'Microsoft.Compute/virtualMachineScaleSets@2024-07-01' existing = {
  name: scaleSetName
}

resource flashfreeze 'Microsoft.Compute/virtualMachineScaleSets/extensions@2024-07-01' = {
  parent: scaleSet
  name: extensionType
  properties: {
    publisher: publisher
    type: extensionType
    typeHandlerVersion: typeHandlerVersion
    autoUpgradeMinorVersion: true
    settings: {
      commandToExecute: 'install'
      locale: 'en-US'
      vmType: 'microsoft.compute/virtualmachines'
    }
  }
}

output provisioningState string = flashfreeze.properties.provisioningState
