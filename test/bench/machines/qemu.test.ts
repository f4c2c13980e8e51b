import * as assert from 'uvu/assert';
import { diskRules, nvmeModels, qemuArguments } from '../../../bench/machines/qemu/arguments.ts';
import {
  compareDisks,
  readDiskNames,
  withDiskNames,
} from '../../../bench/machines/qemu/disk-names.ts';
import { modulesInOrder } from '../../../bench/machines/qemu/kernel.ts';
import type { QemuMachine } from '../../../bench/machines/qemu/machine.ts';
import { QEMU_MACHINES } from '../../../bench/machines/qemu/machines.ts';
import { writableAreas } from '../../../bench/machines/qemu/nvme-models.ts';
import { suite } from '../../suite.ts';

const test = suite('machines under QEMU');

const MACHINE: QemuMachine = {
  ...{
    kind: 'qemu',
    architecture: 'amd64',
    name: 'mixed',
    shows: '',
    kernels: ['6.1'],
    fileSystems: [],
  },
  chassis: { kind: 'azure', scsiControllers: [] },
  osDisk: { bus: 'nvme', controller: 'remote', namespace: 1 },
  disks: [
    {
      ...{ name: 'lun3', megabytes: 1, port: { bus: 'scsi', controller: 1, lun: 3 } },
      morePorts: [{ bus: 'scsi', controller: 2, lun: 3 }],
      shown: { role: 'data', lun: 3 },
    },
    {
      ...{ name: 'local', megabytes: 1, withoutBlob: true },
      port: { bus: 'nvme', controller: 'local', namespace: 1 },
      shown: { role: 'temporary', lun: null },
    },
  ],
};

const ORDER = {
  ...{ machine: MACHINE, stage: 'check', kernel: '/k', tap: 'tap0' },
  ...{ consolePath: '/c', controlPath: '/q', shares: new Map([['host', '/s']]) },
};

function devicesOf(images: readonly string[]): string[] {
  const args = qemuArguments({ ...ORDER, images });
  return args.filter((_, index) => args[index - 1] === '-device' || args[index - 1] === '-drive');
}

test('every path to a disk is a device of its own, controllers come before what is on them', () => {
  const devices = devicesOf(['/os', '/lun3', '/local']).map((it) => it.replace(/,format=.*/, ''));
  assert.equal(devices.slice(3), [
    'virtio-scsi-pci,id=scsi1,num_queues=2',
    'virtio-scsi-pci,id=scsi2,num_queues=2',
    'nvme,id=remote,serial=remote',
    'nvme,id=local,serial=local',
    'id=osdisk-0,file=/os,if=none',
    'nvme-ns,drive=osdisk-0,id=disk-osdisk-0,bus=remote,nsid=1',
    'id=lun3-0,file=/lun3,if=none',
    'scsi-hd,drive=lun3-0,id=disk-lun3-0,bus=scsi1.0,channel=0,scsi-id=0,lun=3,serial=lun3,share-rw=on',
    'id=lun3-1,file=/lun3,if=none',
    'scsi-hd,drive=lun3-1,id=disk-lun3-1,bus=scsi2.0,channel=0,scsi-id=0,lun=3,serial=lun3,share-rw=on',
    'id=local-0,file=/local,if=none',
    'nvme-ns,drive=local-0,id=disk-local-0,bus=local,nsid=1',
  ]);
});

test('one image more is the snapshot of the OS disk, and a disk like the others', () => {
  const devices = devicesOf(['/os', '/lun3', '/local', '/snapshot']);
  assert.match(devices.at(-2) ?? '', /^id=ossnapshot-0,file=\/snapshot,/);
  assert.match(devices.at(-1) ?? '', /bus=scsi2\.0,.*lun=200,serial=ossnapshot$/);
});

test('udev finds SCSI disks by serial number, NVMe ones by controller and namespace', () => {
  const rules = diskRules(MACHINE).split('\n');
  assert.match(
    rules[0] ?? '',
    /ATTR\{nsid\}=="1", ATTRS\{serial\}=="remote\*", .*disk\/lab\/osdisk"$/,
  );
  assert.match(rules[1] ?? '', /ENV\{ID_SCSI_SERIAL\}=="lun3", ENV\{LAB_DISK\}="lun3"/);
  assert.match(rules.at(-2) ?? '', /disk\/lab\/\$env\{LAB_DISK\}-part%n"$/);
});

test('each NVMe controller has the model that Azure gives to it', () => {
  assert.equal(
    [...nvmeModels(MACHINE)],
    [
      ['remote', 'MSFT NVMe Accelerator v1.0'],
      ['local', 'Microsoft NVMe Direct Disk v2'],
    ],
  );
});

test('modules are loaded behind those that they need, and those that are built in are left out', () => {
  const dep =
    'kernel/scsi.ko:\nkernel/a-b.ko.xz: kernel/mid.ko.xz kernel/scsi.ko\nkernel/mid.ko.xz: kernel/scsi.ko\n';
  assert.equal(modulesInOrder(dep, ['scsi', 'built_in', 'a_b']), [
    'kernel/scsi.ko',
    'kernel/mid.ko.xz',
    'kernel/a-b.ko.xz',
  ]);
});

test('memory that may hold identify data: writable, not of the kernel, not the memory of the machine', () => {
  const maps = [
    '7f0000000000-7f0000001000 rw-p 00000000 00:00 0 ',
    '7f0000001000-7f0000002000 r--p 00000000 00:00 0 ',
    '7f0000002000-7f0060002000 rw-s 00000000 00:01 12 /memfd:memory (deleted)',
    '7ffd00000000-7ffd00001000 rw-p 00000000 00:00 0 [vvar]',
    '555500000000-555500002000 rw-p 00000000 00:00 0 [heap]',
  ].join('\n');
  assert.equal(
    writableAreas(maps).map(({ from, bytes }) => `${from.toString(16)} ${bytes}`),
    ['7f0000000000 4096', '555500000000 8192'],
  );
});

test('names of disks from the database of udev: whole disks that have one', () => {
  const database = new Map([
    ['b8:0', 'S:disk/lab/os\nE:DEVTYPE=disk\nE:LAB_DISK=os\n'],
    ['b8:1', 'E:LAB_DISK=os\n'],
    ['b11:0', 'E:DEVTYPE=disk\n'],
  ]);
  const disks = new Map([
    ['8:0', 'sda'],
    ['11:0', 'sr0'],
    ['7:0', 'loop0'],
  ]);
  assert.equal(readDiskNames(database, disks), { sda: 'os' });
});

test('what the machine said has the names of the table, in partitions and paths, too', () => {
  const names = { sda: 'os', sdaa: 'lun3', sdb: 'lun3', nvme0n1: 'lun0', nvme0n12: 'lun10' };
  const said = {
    md: { md1: 'MD_DEVICE_dev_sdb_DEV=/dev/sdb' },
    release: 'sda sda1 sdaa sdaa2 sdab sdx nvme0n1p1 nvme0n12 /dev/disk/lab/lun0 sda_x',
  };
  assert.equal(withDiskNames(said, names), {
    md: { md1: 'MD_DEVICE_dev_lun3_DEV=/dev/lun3' },
    release: 'os os-part1 lun3 lun3-part2 sdab sdx lun0-part1 lun10 /dev/disk/lab/lun0 os_x',
  });
  assert.is(withDiskNames(said, {}), said);
});

test('roles and LUNs of the plan are compared with the table', () => {
  const os = { device: '/dev/osdisk', role: 'os', lun: null };
  const data = { device: '/dev/lun3', role: 'data', lun: 3 };
  assert.equal(compareDisks({ disks: [os, data] }, MACHINE), []);
  assert.equal(compareDisks({ disks: [os, { ...data, lun: 4 }] }, MACHINE), [
    'disk lun3: data LUN 4 in the plan, expected data LUN 3',
  ]);
  assert.equal(compareDisks({ disks: [os] }, MACHINE), ['disk lun3 is not in the plan']);
});

test('names and ports of the disks of a machine differ', () => {
  for (const { name, disks } of QEMU_MACHINES) {
    const names = disks.map((it) => it.name);
    assert.equal(new Set(names).size, names.length, name);
    const ports = disks.flatMap(({ port, morePorts = [] }) => [port, ...morePorts]);
    assert.equal(new Set(ports.map((it) => JSON.stringify(it))).size, ports.length, name);
  }
});

test.run();
