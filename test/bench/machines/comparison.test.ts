import * as assert from 'uvu/assert';
import { comparePlan, type SeenPlan } from '../../../bench/machines/comparison.ts';
import type { Machine } from '../../../bench/machines/machine.ts';
import {
  disksUnderArray,
  disksUnderMount,
  disksUnderVolume,
  type Truth,
} from '../../../bench/machines/truth.ts';
import { suite } from '../../suite.ts';

const test = suite('comparison of plans');

/** A disk is shown again below everything that lies on it, as lsblk --inverse does. */
const leaf = (kname: string) => ({ name: kname, kname, mountpoints: [null] });
const part = (kname: string, disk: string, at: string | null = null) => ({
  ...{ name: kname, kname, mountpoints: [at], children: [leaf(disk)] },
});

const TRUTH: Truth = {
  lsblk: {
    blockdevices: [
      part('ubda1', 'ubda', '/'),
      {
        ...{ name: 'md1', kname: 'md1', mountpoints: ['/d/mirror'] },
        children: [leaf('ubdb'), part('ubdc1', 'ubdc')],
      },
      {
        ...{ name: 'vg-lv', kname: 'dm-1', mountpoints: ['/d/thin', '/d/bind'] },
        children: [
          { name: 'vg-pool', kname: 'dm-0', children: [leaf('ubdd'), part('ubde1', 'ubde')] },
        ],
      },
    ],
  },
  lvs: {
    report: [
      {
        lv: [
          volume('[pool_tmeta]', { devices: '/dev/ubdd(0)' }),
          volume('[pool_tdata]', { devices: '/dev/ubde1(0)' }),
          volume('pool', { devices: 'pool_tdata(0)', metadata_lv: '[pool_tmeta]' }),
          volume('lv', { pool_lv: 'pool' }),
          volume('copy', { devices: '/dev/md1(0)', origin: 'origin' }),
          volume('origin', { devices: '/dev/ubdd(30)' }),
        ],
      },
    ],
  },
  md: {
    md1: 'MD_LEVEL=raid1\nMD_DEVICE_dev_ubdb_DEV=/dev/ubdb\nMD_DEVICE_dev_ubdc1_DEV=/dev/ubdc1\n',
  },
};

function volume(lv_name: string, more: object) {
  return {
    ...{ vg_name: 'vg', lv_name, devices: '', metadata_lv: '', pool_lv: '', origin: '' },
    ...more,
  };
}

const MACHINE: Machine = {
  name: 'test',
  shows: 'what is compared',
  disks: [1, 1, 1, 1],
  fileSystems: [
    { at: '/d/mirror', type: 'ext4', device: '/dev/md1' },
    { at: '/d/thin', type: 'xfs', device: '/dev/vg/lv' },
    { at: '/d/image', type: 'ext4', device: '/d/thin/image', also: ['ubdd', 'ubde'] },
  ],
  excluded: [{ at: '/d/overlay', reason: 'not-freezable' }],
};

const RIGHT: SeenPlan = {
  fileSystems: [
    { mountPoint: '/', type: 'ext4', disks: ['ubda'] },
    { mountPoint: '/d/mirror', type: 'ext4', disks: ['ubdb', 'ubdc'] },
    { mountPoint: '/d/thin', type: 'xfs', disks: ['ubdd', 'ubde'] },
    { mountPoint: '/d/image', type: 'ext4', disks: ['ubde', 'ubdd'] },
  ],
  excluded: [{ mountPoint: '/d/overlay', reason: 'not-freezable' }],
};

/** The plan with one file system of it changed; without it where nothing is given. */
function withChange(mountPoint: string, change?: object): SeenPlan {
  return {
    ...RIGHT,
    fileSystems: RIGHT.fileSystems.flatMap((it) => {
      if (it.mountPoint !== mountPoint) {
        return [it];
      }
      return change === undefined ? [] : [{ ...it, ...change }];
    }),
  };
}

test('each tool names the disks below what it knows', () => {
  assert.equal([...disksUnderMount(TRUTH.lsblk, '/d/bind')], ['ubdd', 'ubde']);
  assert.equal([...disksUnderMount(TRUTH.lsblk, '/nowhere')], []);
  assert.equal([...disksUnderArray(TRUTH, 'md1')], ['ubdb', 'ubdc']);
  assert.equal([...disksUnderVolume(TRUTH, 'vg', 'lv')].sort(), ['ubdd', 'ubde']);
  assert.equal([...disksUnderVolume(TRUTH, 'vg', 'copy')].sort(), ['ubdb', 'ubdc', 'ubdd']);
});

test('a plan that agrees with all tools has no differences', () => {
  assert.equal(comparePlan(RIGHT, TRUTH, MACHINE), []);
});

const DIFFERENCES: readonly (readonly [string, SeenPlan, readonly string[]])[] = [
  ['a file system is missing', withChange('/d/mirror'), ['/d/mirror (ext4) is not in the plan']],
  [
    'a disk is missing',
    withChange('/d/mirror', { disks: ['ubdb'] }),
    [
      '/d/mirror: on ubdb in the plan, on ubdb ubdc by lsblk',
      '/d/mirror: on ubdb in the plan, on ubdb ubdc by mdadm',
    ],
  ],
  [
    'a disk is too much',
    withChange('/d/thin', { disks: ['ubdd', 'ubde', 'ubdf'] }),
    [
      '/d/thin: on ubdd ubde ubdf in the plan, on ubdd ubde by lsblk',
      '/d/thin: on ubdd ubde ubdf in the plan, on ubdd ubde by lvs',
    ],
  ],
  [
    'an image lies elsewhere',
    withChange('/d/image', { disks: ['loop0'] }),
    ['/d/image: on loop0 in the plan, on ubdd ubde by the table of machines'],
  ],
  [
    'the type is another',
    withChange('/', { type: 'ext3' }),
    ['/: type ext3 in the plan, expected ext4'],
  ],
  [
    'a mount is not expected',
    {
      ...RIGHT,
      fileSystems: [...RIGHT.fileSystems, { mountPoint: '/boot', type: 'ext2', disks: ['ubda'] }],
    },
    ['/boot (ext2) is in the plan, not expected'],
  ],
  [
    'an exclusion has another reason',
    { ...RIGHT, excluded: [{ mountPoint: '/d/overlay', reason: 'hidden' }] },
    ['/d/overlay: expected to be excluded as not-freezable, is hidden'],
  ],
  [
    'what must be excluded is not',
    { ...RIGHT, excluded: [] },
    ['/d/overlay: expected to be excluded as not-freezable, is not excluded'],
  ],
  [
    'the plan excludes what must be frozen',
    {
      fileSystems: withChange('/d/mirror').fileSystems,
      excluded: [...RIGHT.excluded, { mountPoint: '/d/mirror', reason: 'dead' }],
    },
    ['/d/mirror (ext4) is not in the plan (dead)'],
  ],
];

for (const [name, plan, lines] of DIFFERENCES) {
  test(`difference: ${name}`, () => {
    assert.equal(comparePlan(plan, TRUTH, MACHINE), lines);
  });
}

test.run();
