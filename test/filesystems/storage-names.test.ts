import { posix } from 'node:path';
import * as assert from 'uvu/assert';
import { readStorageNames } from '../../src/filesystems/storage-names.ts';
import type { SystemView } from '../../src/filesystems/system-view.ts';
import { suite } from '../suite.ts';

const test = suite('names of file systems and volumes');

const LINKS: Readonly<Record<string, string>> = {
  '/dev/disk/by-uuid/1111-aa': '/dev/sdc1',
  '/dev/disk/by-uuid/2222-bb': '/dev/dm-0',
  '/dev/disk/by-label/my\\x20data': '/dev/sdc1',
  '/dev/disk/by-label/ä': '/dev/dm-0',
  '/dev/mapper/data--x-pg': '/dev/dm-0',
  '/sys/dev/block/8:33': '/sys/devices/x/sdc/sdc1',
  '/sys/dev/block/253:0': '/sys/devices/virtual/block/dm-0',
};
const FILES: Readonly<Record<string, string>> = {
  '/sys/class/block/sdd/sdd1/partition': '1',
  '/sys/class/block/sdd1/holders/md0': '',
  '/sys/class/block/sde/holders/md0': '',
  '/sys/class/block/md0/holders/dm-0': '',
  '/sys/class/block/dm-0/dm/uuid': 'LVM-abc',
  '/sys/class/block/dm-0/dm/name': 'data--x-pg',
  '/sys/class/block/dm-0/holders/dm-1': '',
  '/sys/class/block/dm-1/dm/uuid': 'CRYPT-LUKS2-x',
  '/sys/class/block/dm-1/dm/name': 'secret',
  '/sys/fs/btrfs/3333-cc/label': 'pool',
  '/sys/fs/btrfs/3333-cc/devices/sdf': '',
  '/sys/fs/btrfs/3333-cc/devices/sdg': '',
};

const RECORDED: SystemView = {
  mountinfo: () => Promise.resolve(new Uint8Array()),
  list: (directory) => [
    ...new Set(
      [...Object.keys(LINKS), ...Object.keys(FILES)]
        .filter((path) => path.startsWith(`${directory}/`))
        .map((path) => path.slice(directory.length + 1).split(posix.sep)[0] ?? ''),
    ),
  ],
  read: (file) => FILES[file],
  resolve: (path) => LINKS[path] ?? (path.startsWith('/dev/sd') ? path : undefined),
  inspect: () => undefined,
};

test('of a partition and a volume come from the links of udev', () => {
  const names = readStorageNames(RECORDED);
  assert.equal(names.fileSystem('8:33', '/dev/sdc1'), { uuid: '1111-aa', label: 'my data' });
  assert.equal(names.fileSystem('253:0', '/dev/mapper/data--x-pg'), {
    uuid: '2222-bb',
    label: 'ä',
  });
  assert.equal(names.fileSystem('8:99', 'none'), { uuid: undefined, label: undefined });
});

test('every member of a btrfs has its name', () => {
  const names = readStorageNames(RECORDED);
  for (const source of ['/dev/sdf', '/dev/sdg']) {
    assert.equal(names.fileSystem('0:47', source), { uuid: '3333-cc', label: 'pool' });
  }
});

test('volumes of LVM and md are found through partitions and each other', () => {
  const names = readStorageNames(RECORDED);
  assert.equal(names.volumesOn('sdd'), ['lvm data-x/pg', 'md md0']);
  assert.equal(names.volumesOn('sde'), ['lvm data-x/pg', 'md md0']);
  assert.equal(names.volumesOn('sdc'), []);
});

test.run();
