import * as assert from 'uvu/assert';
import type { Plan } from '../../src/filesystems/plan-types.ts';
import { type PlanFigures, summarizePlan } from '../../src/report/plan-summary.ts';
import { renderPlan } from '../../src/report/plan-terminal.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { suite } from '../suite.ts';

const test = suite('plan summary');
const MB = 2 ** 20;

const plan: Plan = {
  ...goodRecord(3).plan,
  waves: [[1], [0, 2]],
  thawsAfter: [[], [0], []],
  disks: [{ name: 'sda', path: '/dev/sda', lun: 3, sizeBytes: 64 * MB, role: 'data' }],
  otherDisks: [{ name: 'sdx', path: '/dev/sdx', lun: undefined, sizeBytes: 32 * MB }],
  excluded: [
    {
      device: '0:1',
      type: 'tmpfs',
      mountPoint: '/run',
      reason: 'not-freezable',
      disks: [],
      isWritable: true,
    },
    {
      device: '0:2',
      type: 'vfat',
      mountPoint: '/boot/efi',
      reason: 'not-freezable',
      disks: [],
      isWritable: true,
    },
    {
      device: '0:3',
      type: 'proc',
      mountPoint: '/proc',
      reason: 'pseudo',
      disks: [],
      isWritable: true,
    },
  ],
  warnings: ['something was not seen'],
};
const figures: PlanFigures = {
  usedBytes: [10 * MB, undefined, 12 * MB],
  diskDirtyBytes: [5 * MB, undefined],
  dirtyBytes: 7 * MB,
  clock: { synchronized: true, source: 'kernel', aheadMs: null, maxErrorMs: 12 },
};
const blobs = [{ blob: 'https://a.example/c/b', device: '/dev/sda', because: 'by its content' }];
const summary = summarizePlan(
  plan,
  figures,
  { blobs, managed: null },
  { low: 1, high: 2, reasons: ['a reason'] },
);

test('says wave, order of thawing and used space of each file system', () => {
  assert.equal(
    summary.fileSystems.map(({ wave, thawsAfter, usedBytes }) => ({ wave, thawsAfter, usedBytes })),
    [
      { wave: 2, thawsAfter: [], usedBytes: 10 * MB },
      { wave: 1, thawsAfter: ['/data/0'], usedBytes: null },
      { wave: 2, thawsAfter: [], usedBytes: 12 * MB },
    ],
  );
});

test('says of each disk what it is, and whether anything on it is frozen', () => {
  assert.equal(summary.disks, [
    {
      device: '/dev/sda',
      lun: 3,
      role: 'data',
      sizeBytes: 64 * MB,
      dirtyBytes: 5 * MB,
      frozen: true,
    },
    {
      device: '/dev/sdx',
      lun: null,
      role: null,
      sizeBytes: 32 * MB,
      dirtyBytes: null,
      frozen: false,
    },
  ]);
});

test('says why each file system is left out; for people only what is remarkable', () => {
  assert.equal(
    summary.excluded.map(({ because }) => because),
    [
      'in memory, not on a disk',
      'of a type that the kernel cannot freeze',
      'virtual file system of the kernel, without data',
    ],
  );
  const text = renderPlan(summary);
  assert.match(text, '/boot/efi');
  assert.not.match(text, '/proc');
  assert.not.match(text, '/run');
  assert.match(text, 'something was not seen');
  assert.match(text, 'writers are blocked: 1 to 2 ms');
});

test.run();
