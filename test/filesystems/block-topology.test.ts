import * as assert from 'uvu/assert';
import { journalsOf, leavesUnder } from '../../src/filesystems/block-topology.ts';
import { MountTree } from '../../src/filesystems/mount-tree.ts';
import { readTopology } from '../../src/filesystems/read-topology.ts';
import { parseMountinfo } from '../../src/system/mountinfo.ts';
import { suite } from '../suite.ts';
import { gen2Lvm } from './fixtures/gen2-lvm.ts';
import { nvme } from './fixtures/nvme.ts';
import { raidAndLuks } from './fixtures/raid-and-luks.ts';
import { Machine, NVME_REMOTE } from './machine.ts';

const test = suite('block topology');

function disksUnder(machine: Machine, ...names: string[]): string[] {
  const topology = readTopology(machine.build(), [], new MountTree([]));
  return leavesUnder(topology, names)
    .map(({ name }) => name)
    .sort();
}

test('partitions, LVM, md, crypt and bcache lead to whole disks', () => {
  assert.equal(disksUnder(gen2Lvm(), 'sda3'), ['sda']);
  assert.equal(disksUnder(gen2Lvm(), 'dm-0'), ['sda']);
  assert.equal(disksUnder(gen2Lvm(), 'dm-2', 'dm-1'), ['sda', 'sdc', 'sdd']);
  assert.equal(disksUnder(raidAndLuks(), 'md0p1'), ['sdc', 'sdd', 'sde', 'sdf']);
  assert.equal(disksUnder(raidAndLuks(), 'dm-0'), ['sdg']);
  assert.equal(disksUnder(raidAndLuks(), 'bcache0'), ['sdh', 'sdi']);
  assert.equal(disksUnder(nvme(), 'md127'), ['nvme1n1', 'nvme2n1']);
});

test('the paths of dm-multipath are one disk', () => {
  assert.equal(disksUnder(raidAndLuks(), 'dm-2'), ['sdj']);
});

test('the head of native NVMe multipath is the disk', () => {
  const machine = new Machine().nvmeMultipath({
    name: 'nvme0n1',
    number: '259:1',
    gib: 8,
    subsystem: 'nvme-subsys0',
    model: NVME_REMOTE,
    namespaceId: 4,
    partitions: { nvme0n1p1: '259:2' },
  });
  const topology = readTopology(machine.build(), [], new MountTree([]));
  assert.equal(leavesUnder(topology, ['nvme0n1p1']), [topology.devices.get('nvme0n1')]);
  assert.equal(topology.devices.get('nvme0n1'), {
    name: 'nvme0n1',
    number: '259:1',
    sizeBytes: 8 * 1024 ** 3,
    under: {
      kind: 'nothing',
      hardware: { hasDriver: true, model: NVME_REMOTE, nvmeNamespaceId: 4 },
    },
  });
});

test('virtio, zram, nbd, unused loop devices and dm without slaves are disks of their own', () => {
  const machine = new Machine()
    .virtio({ name: 'vda', number: '254:0', partitions: { vda1: '254:1' } })
    .virtual({ name: 'zram0', number: '253:0' })
    .virtual({ name: 'nbd0', number: '43:0' })
    .virtual({ name: 'loop7', number: '7:7' })
    .virtual({ name: 'dm-0', number: '252:0' });
  assert.equal(disksUnder(machine, 'vda1', 'zram0', 'nbd0', 'loop7', 'dm-0'), [
    'dm-0',
    'loop7',
    'nbd0',
    'vda',
    'zram0',
  ]);
});

test('a part that is named but not shown stands for itself', () => {
  const machine = new Machine().stacked({ name: 'md0', number: '9:0', on: ['sda', 'sdb'] });
  assert.equal(disksUnder(machine, 'md0'), ['sda', 'sdb']);
});

test('block devices in a circle end', () => {
  const machine = new Machine()
    .stacked({ name: 'dm-0', number: '253:0', on: ['dm-1'] })
    .stacked({ name: 'dm-1', number: '253:1', on: ['dm-0', 'dm-2'] })
    .virtual({ name: 'dm-2', number: '253:2' });
  assert.equal(disksUnder(machine, 'dm-0'), ['dm-2']);
});

test('a loop device over a block device leads to that device', () => {
  const mounts = parseMountinfo('1 0 0:5 / /dev rw - devtmpfs udev rw').mounts;
  const system = new Machine()
    .virtio({ name: 'vda', number: '254:0', partitions: { vda1: '254:1' } })
    .loop({ name: 'loop0', number: '7:0', image: '/dev/disk/by-label/x' })
    .node('/dev/disk/by-label/x', '254:1')
    .build();
  const topology = readTopology(system, mounts, new MountTree(mounts));
  assert.equal(
    leavesUnder(topology, ['loop0']).map(({ name }) => name),
    ['vda'],
  );
});

test('nothing outside sysfs is looked at but nodes and links in /dev and images on local file systems', () => {
  const mounts = parseMountinfo(
    [
      '1 0 254:0 / / rw - ext4 /dev/vda rw',
      '2 1 0:30 / /nfs rw - nfs4 host:/ rw',
      '3 1 0:31 / /fuse rw - fuse.sshfs host: rw',
      '4 1 0:32 / /auto rw - autofs systemd-1 rw',
      '5 1 0:33 / /btrfs rw - btrfs /dev/vdb rw',
      '6 1 0:34 / /merged rw - overlay o rw,lowerdir=/nfs/l,upperdir=/nfs/u,workdir=/nfs/w',
    ].join('\n'),
  ).mounts;
  const images = ['/nfs/a', '/fuse/a', '/auto/a', '/merged/a', '/a', '/b (deleted)'];
  const machine = new Machine().virtio({ name: 'vda', number: '254:0' });
  for (const [index, image] of images.entries()) {
    machine.loop({ name: `loop${index}`, number: `7:${index}`, image });
  }
  const system = machine.build();
  readTopology(system, mounts, new MountTree(mounts));
  assert.equal(
    [...system.asked.keys()].filter((path) => !/^\/sys\/|^\/dev\/disk\/azure\//.test(path)),
    ['/a', '/proc/fs/jbd2', '/dev/vdb', '/proc/swaps'],
  );
});

test('journals inside file systems are told from those that have a device', () => {
  const names = ['sda1-8', 'sdb1', 'dm-0-8', 'dm-1', 'nvme0n1p1-8', 'gone-8', 'gone'];
  const devices = new Set(['sda1', 'sdb1', 'dm-0', 'dm-1', 'nvme0n1p1']);
  const { internal, external } = journalsOf(names, devices);
  assert.equal([...internal], ['sda1', 'dm-0', 'nvme0n1p1', 'gone']);
  assert.equal(external, ['sdb1', 'dm-1']);
});

test('a machine without sysfs, or with nothing in it, has no devices', () => {
  assert.is(
    readTopology(new Machine({ tag: undefined }).build(), [], new MountTree([])).devices.size,
    0,
  );
});

test.run();
