import type { Disk, Plan } from '../../../src/filesystems/plan-types.ts';

const DISKS: readonly Disk[] = [
  { name: 'sda', path: '/dev/sda', lun: undefined, role: 'os', sizeBytes: 1 },
  { name: 'sdb', path: '/dev/sdb', lun: undefined, role: 'temporary', sizeBytes: 1 },
  { name: 'sdc', path: '/dev/sdc', lun: 0, role: 'data', sizeBytes: 1 },
  { name: 'sdd', path: '/dev/sdd', lun: 1, role: 'data', sizeBytes: 1 },
  { name: 'sde', path: '/dev/sde', lun: 2, role: 'data', sizeBytes: 1 },
  { name: 'loop0', path: '/dev/loop0', lun: undefined, sizeBytes: 1 },
];

/** A machine of these disks, in which a file system lies on each of the groups. */
export function planOf(...groups: readonly (readonly string[])[]): Plan {
  return {
    fileSystems: groups.map((disks, index) => ({
      device: `8:${index}`,
      type: 'ext4',
      source: '/dev/x',
      mountPoint: `/data/${index}`,
      mountPoints: [`/data/${index}`],
      disks,
      imageOn: undefined,
    })),
    waves: [groups.map((_, index) => index)],
    thawsAfter: groups.map(() => []),
    disks: DISKS.filter(({ name }) => groups.flat().includes(name)),
    otherDisks: DISKS.filter(({ name }) => !groups.flat().includes(name)),
    excluded: [],
  };
}
