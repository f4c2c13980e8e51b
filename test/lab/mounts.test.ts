import assert from 'node:assert/strict';
import {
  type MountedFileSystem,
  mountPointsToCover,
  parseMountInfo,
} from '../../src/lab/mounts.ts';
import { suite } from '../suite.ts';

const test = suite('lab mounts');

test('reads mountinfo lines, with and without optional fields, and escaped paths', () => {
  const text = [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '30 22 0:24 / /mnt/two\\040words rw shared:7 master:2 - tmpfs none rw',
    '31 22 8:2 / /srv rw - xfs /dev/sda2 rw',
    '',
  ].join('\n');
  assert.deepEqual(parseMountInfo(text), [
    { device: '8:1', mountPoint: '/', type: 'ext4', source: '/dev/sda1' },
    { device: '0:24', mountPoint: '/mnt/two words', type: 'tmpfs', source: 'none' },
    { device: '8:2', mountPoint: '/srv', type: 'xfs', source: '/dev/sda2' },
  ]);
});

test('covers what the system and the needed paths lie on, outer mounts first', () => {
  const mounts = [
    mounted('/', 'ext4'),
    mounted('/data/build/cache', 'xfs'),
    mounted('/data/build', 'ext4'),
    mounted('/data', 'ext4'),
    mounted('/home', 'btrfs'),
    mounted('/usr/share', 'ext4'),
    mounted('/media/stick', 'ext4'),
  ];
  assert.deepEqual(mountPointsToCover(mounts, ['/data/build/checkout/file.ts']), [
    '/data',
    '/home',
    '/data/build',
    '/usr/share',
  ]);
});

test('leaves out kernel interfaces and what the lab has its own of', () => {
  const mounts = [
    mounted('/proc', 'proc'),
    mounted('/sys/fs/cgroup', 'tmpfs'),
    mounted('/run', 'tmpfs'),
    mounted('/dev/shm', 'tmpfs'),
    mounted('/runner', 'ext4'),
  ];
  const needed = ['/run/x', '/dev/shm/x', '/proc/self', '/runner/checkout'];
  assert.deepEqual(mountPointsToCover(mounts, needed), ['/runner']);
});

function mounted(mountPoint: string, type: string): MountedFileSystem {
  return { device: '8:1', mountPoint, type, source: '/dev/sda1' };
}

test.run();
