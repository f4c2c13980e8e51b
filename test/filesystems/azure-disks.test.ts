import { basename, dirname } from 'node:path/posix';
import * as assert from 'uvu/assert';
import {
  type DiskHardware,
  identifyDisk,
  readAzureLinks,
} from '../../src/filesystems/azure-disks.ts';
import { suite } from '../suite.ts';
import {
  AZURE_TAG,
  DATA_CONTROLLER,
  GEN1_IDE_0,
  GEN1_IDE_1,
  NVME_REMOTE,
  OS_CONTROLLER,
} from './machine.ts';

const test = suite('Azure disks');

const vmbus = (vmbusDeviceId: string, lun: number): DiskHardware => ({
  vmbusDeviceId,
  scsiAddress: `1:0:0:${lun}`,
});
const nvme = (model: string, nvmeNamespaceId: number): DiskHardware => ({ model, nvmeNamespaceId });

const CASES: readonly [DiskHardware, role: string | undefined, lun: number | undefined][] = [
  [vmbus(GEN1_IDE_0, 0), 'os', undefined],
  [vmbus(GEN1_IDE_1, 0), 'temporary', undefined],
  [vmbus('00000001-0001-8899-0000-000000000000', 0), undefined, undefined],
  [vmbus(OS_CONTROLLER, 0), 'os', undefined],
  [vmbus(OS_CONTROLLER, 1), 'temporary', undefined],
  [vmbus(OS_CONTROLLER, 2), undefined, undefined],
  [vmbus(DATA_CONTROLLER, 0), 'data', 0],
  [vmbus(DATA_CONTROLLER, 63), 'data', 63],
  [vmbus('f8b3781d-1e82-4818-a1c3-63d806ec15bb', 1), 'data', 1],
  [nvme(NVME_REMOTE, 1), 'os', undefined],
  [nvme(NVME_REMOTE, 2), 'data', 0],
  [nvme(NVME_REMOTE, 17), 'data', 15],
  [nvme('MSFT NVMe Accelerator v2.0', 2), undefined, undefined],
  [nvme('Microsoft NVMe Direct Disk', 1), 'temporary', undefined],
  [nvme('Microsoft NVMe Direct Disk v2', 1), 'temporary', undefined],
  [nvme('QEMU NVMe Ctrl', 1), undefined, undefined],
  [{ scsiAddress: '0:0:3:4', model: 'QEMU HARDDISK' }, undefined, 4],
  [{}, undefined, undefined],
];

test('role and LUN follow from what sysfs shows', () => {
  for (const [hardware, role, lun] of CASES) {
    assert.equal(identifyDisk(hardware, AZURE_TAG), { role, lun }, JSON.stringify(hardware));
  }
});

test('where the machine tells nothing of its chassis, the bus is believed', () => {
  assert.is(identifyDisk(vmbus(GEN1_IDE_1, 0), undefined).role, 'temporary');
});

test('the second IDE disk on Hyper-V elsewhere is an ordinary disk', () => {
  assert.equal(identifyDisk(vmbus(GEN1_IDE_1, 0), '8477-1234-0000'), { role: undefined, lun: 0 });
});

test('links of udev rules say it if sysfs does not', () => {
  const links: Record<string, string> = {
    '/dev/disk/azure/os': '/dev/nvme0n1',
    '/dev/disk/azure/data/by-lun/0': '/dev/nvme0n2',
    '/dev/disk/azure/scsi1/lun12': '/dev/sdx',
    '/dev/disk/azure/scsi1/lun12-part1': '/dev/sdx1',
  };
  const found = readAzureLinks({
    list: (directory) =>
      Object.keys(links)
        .filter((it) => dirname(it) === directory)
        .map((it) => basename(it)),
    resolve: (path) => links[path],
  });
  assert.equal([...found].sort(), [
    ['nvme0n1', { role: 'os', lun: undefined }],
    ['nvme0n2', { role: 'data', lun: 0 }],
    ['sdx', { role: 'data', lun: 12 }],
  ]);
});

test.run();
