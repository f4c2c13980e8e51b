import * as assert from 'uvu/assert';
import { naturalOrder } from '../../src/report/natural-order.ts';
import { suite } from '../suite.ts';

const test = suite('natural order');

for (const [name, sorted] of [
  ['disks of the kernel', ['/dev/sda', '/dev/sdb', '/dev/sdz', '/dev/sdaa', '/dev/sdab']],
  ['disks without a path', ['vda', 'vdb', 'vdz', 'vdaa', 'xvda', 'xvdaa']],
  ['partitions', ['sda1', 'sda2', 'sda10', 'sdb1']],
  ['numbers', ['/data/1', '/data/2', '/data/10', '/lab/set1/disk2', '/lab/set1/disk10']],
  ['a path and what lies below it', ['/', '/data', '/data/sub', '/data2']],
  ['NVMe disks', ['/dev/nvme0n2', '/dev/nvme0n10', '/dev/nvme1n1']],
  ['blobs', ['os.vhd', 'os2.vhd', 'os10.vhd']],
] as const) {
  test(`${name}: ${sorted.join(' ')}`, () => {
    assert.equal(sorted.toReversed().sort(naturalOrder), [...sorted]);
  });
}

test.run();
