import type { Machine } from './machine.ts';

const MAINTAINED = { expects: 'refused', foretold: 'btrfs-maintenance' } as const;
const MOVING = { expects: 'not-shown', foretold: 'moving-data' } as const;
const RESIZED = { expects: 'refused', foretold: 'resize' } as const;
const HARMLESS = { expects: 'consistent' } as const;

/** As make_one_of_each of guest/functions.sh makes them. */
export const ONE_OF_EACH: Pick<Machine, 'disks' | 'fileSystems'> = {
  disks: [128, 320, 256],
  fileSystems: [
    { at: '/d/ext4', type: 'ext4', device: '/dev/ubdb' },
    { at: '/d/xfs', type: 'xfs', device: '/dev/ubdc' },
    { at: '/d/btrfs', type: 'btrfs', device: '/dev/ubdd' },
  ],
};

/** Machines in which something goes on while the snapshot is taken. */
export const OPERATIONS: readonly Machine[] = [
  {
    ...{ name: 'scrub', shows: 'a btrfs scrub', operation: MAINTAINED, disks: [480] },
    fileSystems: [{ at: '/d/btrfs', type: 'btrfs', device: '/dev/mapper/slow-ubdb' }],
  },
  {
    ...{ name: 'balance', shows: 'a btrfs balance', disks: [480] },
    operation: { expects: 'consistent', foretold: 'btrfs-maintenance' },
    fileSystems: [{ at: '/d/btrfs', type: 'btrfs', device: '/dev/mapper/slow-ubdb' }],
  },
  {
    ...{
      name: 'replace',
      shows: 'a btrfs device replace',
      operation: MAINTAINED,
      disks: [480, 480],
    },
    fileSystems: [{ at: '/d/btrfs', type: 'btrfs', device: '/dev/mapper/slow-ubdb' }],
  },
  {
    ...{ name: 'ext4-resize', shows: 'resize2fs', operation: RESIZED, disks: [3000] },
    fileSystems: [{ at: '/d/ext4', type: 'ext4', device: '/dev/mapper/slow-ubdb' }],
  },
  {
    ...{ name: 'xfs-growfs', shows: 'xfs_growfs', operation: RESIZED, disks: [4000] },
    fileSystems: [{ at: '/d/xfs', type: 'xfs', device: '/dev/mapper/slow-ubdb' }],
  },
  {
    ...{ name: 'fstrim', shows: 'fstrim of ext4, xfs and btrfs', operation: HARMLESS },
    disks: [256, 320, 256],
    fileSystems: [
      { at: '/d/ext4', type: 'ext4', device: '/dev/mapper/slow-ubdb' },
      { at: '/d/xfs', type: 'xfs', device: '/dev/mapper/slow-ubdc' },
      { at: '/d/btrfs', type: 'btrfs', device: '/dev/mapper/slow-ubdd' },
    ],
  },
  {
    ...{ name: 'pvmove', shows: 'pvmove', operation: MOVING, disks: [1300, 1300] },
    fileSystems: [{ at: '/d/moved', type: 'ext4', device: '/dev/vgp/moved' }],
  },
  {
    // LVM writes its metadata beside the volumes; a run sees that as any other write.
    ...{ name: 'lvextend', shows: 'lvextend and lvreduce', disks: [256] },
    operation: { expects: 'not-shown' },
    fileSystems: [{ at: '/d/grown', type: 'ext4', device: '/dev/vge/grown' }],
  },
  {
    ...{ name: 'md-resync', shows: 'an md resync and a recovery', operation: MOVING },
    disks: [96, 96, 240, 240, 240],
    fileSystems: [
      { at: '/d/raid1', type: 'ext4', device: '/dev/md1' },
      { at: '/d/raid5', type: 'xfs', device: '/dev/md2' },
    ],
  },
  {
    ...{ name: 'md-check', shows: 'an md check', operation: HARMLESS, disks: [128, 128] },
    fileSystems: [{ at: '/d/raid1', type: 'ext4', device: '/dev/md1' }],
  },
  {
    ...{ name: 'md-reshape', shows: 'an md reshape', operation: MOVING, disks: [96, 96, 96, 96] },
    fileSystems: [{ at: '/d/raid5', type: 'ext4', device: '/dev/md1' }],
  },
  {
    ...{
      name: 'merge',
      shows: 'the merge of an LVM snapshot',
      operation: MOVING,
      disks: [660, 700],
    },
    // lvs shows no snapshot that is being merged.
    fileSystems: [{ at: '/d/origin', type: 'ext4', device: '/dev/vgs/origin', also: ['ubdc'] }],
  },
  {
    ...{ name: 'selinux-denies', shows: 'SELinux: an agent’s child may not freeze' },
    operation: { expects: 'refused', foretold: 'security-policy' },
    ...ONE_OF_EACH,
  },
  {
    ...{ name: 'auditd', shows: 'auditd: its log on a frozen disk, few messages kept for it' },
    operation: { expects: 'consistent', foretold: 'auditd' },
    ...ONE_OF_EACH,
  },
  {
    ...{ name: 'auditd-full', shows: 'auditd: the disk of its log is full' },
    operation: { expects: 'consistent', foretold: 'auditd' },
    ...ONE_OF_EACH,
  },
];
