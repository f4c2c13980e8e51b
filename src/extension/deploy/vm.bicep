// One snapshot of every disk of a Linux VM, by flashfreeze. Every deployment with another taskId takes another.
//   az deployment group create -g <group> -f vm.bicep -p vmName=<vm> taskId=<id> disks=@disks.json
// disks.json: {"blobSASUri": ["<SAS of the OS disk's page blob>", "<SAS of a data disk's>", …]}, each with sp=rc

@description('Name of the VM')
param vmName string

@description('Location of the VM')
param location string = resourceGroup().location

@description('Publisher, the part of the package name before the last dot')
param publisher string = 'Flashfreeze'

@description('Type, the part of the package name after the last dot')
param extensionType string = 'FlashfreezeLinux'

@description('Major and minor version of the package')
param typeHandlerVersion string = '0.1'

@description('Names this snapshot; a task that was done already is not done again')
param taskId string

@description('Start of the freeze, ISO 8601; more than 140 minutes ago is refused')
param startTime string = utcNow()

@description('Metadata that each snapshot gets: [{"Key": "…", "Value": "…"}]')
param metadata array = []

@description('{"blobSASUri": [a page blob SAS URI for each disk]}')
@secure()
param disks object

@description('SAS URI of the blob for the status; empty for none')
@secure()
param statusBlobUri string = ''

@description('SAS URI of the blob for the log; empty for none')
@secure()
param logsBlobUri string = ''

// .NET ticks: 100 ns since 0001-01-01, as a string of digits.
var startTicks = string(dateTimeToEpoch(startTime) * 10000000 + 621355968000000000)

resource vm 'Microsoft.Compute/virtualMachines@2024-07-01' existing = {
  name: vmName
}

resource flashfreeze 'Microsoft.Compute/virtualMachines/extensions@2024-07-01' = {
  parent: vm
  name: extensionType
  location: location
  properties: {
    publisher: publisher
    type: extensionType
    typeHandlerVersion: typeHandlerVersion
    autoUpgradeMinorVersion: true
    settings: {
      commandToExecute: 'snapshot'
      taskId: taskId
      commandStartTimeUTCTicks: startTicks
      locale: 'en-US'
      vmType: 'microsoft.compute/virtualmachines'
      objectStr: base64(string({
        backupMetadata: metadata
      }))
      // There is no backup service here whose host would take the snapshots.
      customSettings: string({
        takeSnapshotFrom: 'onlyGuest'
      })
    }
    protectedSettings: {
      objectStr: base64(string(disks))
      statusBlobUri: statusBlobUri
      logsBlobUri: logsBlobUri
    }
  }
}

output provisioningState string = flashfreeze.properties.provisioningState
