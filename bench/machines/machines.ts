import type { Machine } from './machine.ts';
import { ONE_OF_EACH, OPERATIONS } from './operations.ts';

/** The smallest that mkfs.xfs takes. */
const XFS_MB = 320;

const STACKS: readonly Machine[] = [
  {
    name: 'plain',
    shows: 'whole disks, GPT and MBR partitions',
    disks: [128, 2 * XFS_MB, 256, 128],
    fileSystems: [
      { at: '/d/ext4', type: 'ext4', device: '/dev/ubdb' },
      { at: '/d/gpt-xfs', type: 'xfs', device: '/dev/ubdc1' },
      { at: '/d/gpt-ext4', type: 'ext4', device: '/dev/ubdc2' },
      { at: '/d/btrfs', type: 'btrfs', device: '/dev/ubdd' },
      { at: '/d/mbr-ext4', type: 'ext4', device: '/dev/ubde1' },
    ],
  },
  {
    name: 'lvm',
    shows: 'LVM: linear, striped, thin, snapshots of both kinds',
    disks: [200, 200, 200, 200, 256, 256],
    fileSystems: [
      { at: '/d/stripe', type: 'xfs', device: '/dev/vgs/stripe' },
      { at: '/d/linear', type: 'ext4', device: '/dev/vgs/linear' },
      { at: '/d/thin', type: 'ext4', device: '/dev/vgt/thin' },
      { at: '/d/thinsnap', type: 'ext4', device: '/dev/vgt/thinsnap' },
      { at: '/d/orig', type: 'ext4', device: '/dev/vgt/orig' },
      { at: '/d/cow', type: 'ext4', device: '/dev/vgt/cow' },
    ],
  },
  {
    name: 'md',
    shows: 'md: RAID 0, 1, 5 and 10, a partition and LVM on arrays',
    disks: [96, 96, 200, 200, 96, 96, 96, 200, 200, 200, 200],
    fileSystems: [
      { at: '/d/raid1', type: 'ext4', device: '/dev/md1' },
      { at: '/d/raid0', type: 'xfs', device: '/dev/md2' },
      { at: '/d/raid5', type: 'ext4', device: '/dev/md3p1' },
      { at: '/d/raid10', type: 'xfs', device: '/dev/vgm/onmd' },
    ],
  },
  {
    name: 'luks',
    shows: 'LUKS 1 and 2: on a partition, on a disk, below and above LVM',
    disks: [160, 480, 128, 128, 128],
    fileSystems: [
      { at: '/d/locked', type: 'ext4', device: '/dev/mapper/locked' },
      { at: '/d/a', type: 'ext4', device: '/dev/vgc/a' },
      { at: '/d/b', type: 'xfs', device: '/dev/vgc/b' },
      { at: '/d/whole', type: 'ext4', device: '/dev/mapper/lockedwhole' },
      { at: '/d/volume', type: 'btrfs', device: '/dev/mapper/lockedvolume' },
    ],
  },
  {
    name: 'journals',
    shows: 'ext4 with its journal, xfs with its log and its realtime section on other disks',
    disks: [128, 200, XFS_MB, XFS_MB, XFS_MB, 128],
    fileSystems: [
      { at: '/d/journal', type: 'ext4', device: '/dev/ubdb', also: ['ubdc'] },
      { at: '/d/log', type: 'xfs', device: '/dev/ubdd', log: '/dev/ubdc2', also: ['ubdc'] },
      {
        at: '/d/realtime',
        type: 'xfs',
        device: '/dev/ubde',
        realtime: '/dev/ubdf',
        also: ['ubdf'],
      },
      { at: '/d/ext4', type: 'ext4', device: '/dev/ubdg' },
    ],
  },
  {
    name: 'btrfs',
    shows: 'btrfs: RAID1 over three disks, RAID10 over four, a subvolume mounted by another disk',
    disks: [160, 160, 160, 160, 160, 160, 160, 256],
    fileSystems: [
      {
        ...{ at: '/d/raid1', type: 'btrfs', device: '/dev/ubdb' },
        ...{ others: ['/dev/ubdc', '/dev/ubdd'], also: ['ubdb', 'ubdc', 'ubdd'] },
      },
      {
        ...{ at: '/d/raid10', type: 'btrfs', device: '/dev/ubde' },
        others: ['/dev/ubdf', '/dev/ubdg', '/dev/ubdh'],
        also: ['ubde', 'ubdf', 'ubdg', 'ubdh'],
      },
      { at: '/d/single', type: 'btrfs', device: '/dev/ubdi1' },
    ],
  },
  {
    name: 'stacks',
    shows: 'overlay, bind mount, squashfs, images on ext4 and on a volume, swap on a volume',
    disks: [256, 300, 300],
    fileSystems: [
      { at: '/d/ext4', type: 'ext4', device: '/dev/ubdb' },
      { at: '/d/image', type: 'ext4', device: '/d/ext4/image', also: ['ubdb'] },
      { at: '/d/holder', type: 'xfs', device: '/dev/vgi/holder' },
      { at: '/d/held', type: 'ext4', device: '/d/holder/image', also: ['ubdc', 'ubdd'] },
    ],
    excluded: [
      { at: '/d/overlay', reason: 'not-freezable' },
      { at: '/d/snap', reason: 'not-freezable' },
    ],
  },
  {
    name: 'kinds',
    shows: 'ext2, ext3, f2fs, nilfs2, xfs on sectors of 4096 bytes',
    // nilfs2 appends whatever is written, and nothing cleans up behind it here.
    disks: [96, 96, 128, 512, 1536],
    fileSystems: [
      { at: '/d/ext2', type: 'ext2', device: '/dev/ubdb' },
      { at: '/d/ext3', type: 'ext3', device: '/dev/ubdc' },
      { at: '/d/f2fs', type: 'f2fs', device: '/dev/ubdd' },
      { at: '/d/ext4', type: 'ext4', device: '/dev/ubde' },
      { at: '/d/sectors', type: 'xfs', device: '/d/ext4/image', also: ['ubde'], sectorBytes: 4096 },
      { at: '/d/nilfs2', type: 'nilfs2', device: '/dev/ubdf' },
    ],
  },
  {
    name: 'raid',
    shows: 'LVM RAID 1, 5 and 10, and a volume beside them',
    disks: [240, 200, 280, 280, 240],
    fileSystems: [
      { at: '/d/mirror', type: 'ext4', device: '/dev/vgr/mirror' },
      { at: '/d/parity', type: 'xfs', device: '/dev/vgr/parity' },
      { at: '/d/both', type: 'ext4', device: '/dev/vgr/both' },
      { at: '/d/beside', type: 'ext4', device: '/dev/vgr/beside' },
    ],
  },
  {
    name: 'ade',
    shows:
      'as Azure Disk Encryption lays out: a header on the boot partition, LVM on encrypted disks',
    disks: [48, 320, 240, 240],
    fileSystems: [
      { at: '/d/boot', type: 'ext4', device: '/dev/ubdc1' },
      { at: '/d/os', type: 'ext4', device: '/dev/mapper/osencrypt' },
      { at: '/d/data', type: 'xfs', device: '/dev/vga/data' },
    ],
    excluded: [{ at: '/mnt/azure_bek_disk', reason: 'read-only' }],
  },
  {
    name: 'features',
    shows:
      'ext4 with bigalloc and fast commits, xfs with reflinks, md with superblocks at the end, a hybrid MBR',
    disks: [160, 400, 96, 96, 96, 96, 96, 96, 96, 128],
    fileSystems: [
      { at: '/d/bigalloc', type: 'ext4', device: '/dev/ubdb' },
      { at: '/d/reflink', type: 'xfs', device: '/dev/ubdc' },
      { at: '/d/end', type: 'ext4', device: '/dev/md1' },
      { at: '/d/old', type: 'ext4', device: '/dev/md2' },
      { at: '/d/parity', type: 'ext4', device: '/dev/md3' },
      { at: '/d/hybrid', type: 'ext4', device: '/dev/ubdk1' },
    ],
  },
  {
    name: 'selinux',
    shows: 'SELinux, enforcing: an agent’s child may read no disk and change no priority',
    ...ONE_OF_EACH,
  },
];

export const MACHINES: readonly Machine[] = [...STACKS, ...OPERATIONS];
