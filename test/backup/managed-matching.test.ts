import * as assert from 'uvu/assert';
import { behindManaged } from '../../src/backup/managed-matching.ts';
import { FlashfreezeError } from '../../src/errors.ts';
import type { Disk } from '../../src/filesystems/plan-types.ts';
import type { VmDisk } from '../../src/snapshot/managed/instance-metadata.ts';
import { NO_HEAD } from '../../src/snapshot/matching/blob-head.ts';
import type { Preflight } from '../../src/snapshot/snapshot-types.ts';
import { suite } from '../suite.ts';

const test = suite('devices of managed disks');
const SIZE = 1_024;

function device(name: string, rest: Partial<Disk> = {}): Disk {
  return { name, path: `/dev/${name}`, lun: undefined, sizeBytes: SIZE, ...rest };
}

function managed(lun: number): { readonly name: string; readonly disk: VmDisk } {
  const disk: VmDisk = {
    ...{ name: `disk${lun}`, kind: lun < 0 ? 'os' : 'data', lun, id: undefined, sku: '' },
    ...{ isEphemeral: false, isShared: false, isUnmanaged: false },
  };
  return { name: disk.name, disk };
}

function preflight(target: number, sizeBytes: number | undefined): Preflight {
  return { ok: true, target, head: NO_HEAD, sizeBytes };
}

function behind(
  disks: readonly Disk[],
  luns: readonly number[],
  sizes: readonly (number | undefined)[] = [],
): { readonly found: unknown; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const found = behindManaged(
    { disks: disks.slice(0, 1), otherDisks: disks.slice(1) },
    luns.map(managed),
    luns.map((_, index) => preflight(index, sizes[index])),
    { warn: (message) => warnings.push(message) },
  );
  return { found, warnings };
}

const OS = device('sda', { role: 'os' });
const TEMPORARY = device('sdb', { role: 'temporary', lun: 1 });
const DATA_0 = device('sdc', { role: 'data', lun: 0 });
const DATA_7 = device('nvme0n9', { role: 'data', lun: 7 });

test('role and LUN lead to the device; a temporary disk is none', () => {
  assert.equal(behind([DATA_0, TEMPORARY, OS, DATA_7], [-1, 0, 7]), {
    found: [
      { kind: 'disk', disk: 'sda' },
      { kind: 'disk', disk: 'sdc' },
      { kind: 'disk', disk: 'nvme0n9' },
    ],
    warnings: [],
  });
});

test('one request for several disks stands for the devices of all of them', () => {
  const table: [devices: Disk[], luns: number[], disks: string[], warns: RegExp | undefined][] = [
    [[OS, TEMPORARY, DATA_0, DATA_7], [-1, 7], ['sda', 'nvme0n9'], undefined],
    [[OS, DATA_0], [-1, 0, 3], ['sda', 'sdc'], /LUN 3 .*nothing that is frozen is on it/],
    [[OS, device('vdb')], [-1, 3], ['sda', 'vdb'], /LUN 3 .*it may be \/dev\/vdb/],
    [[OS, device('vdb'), device('vdc')], [-1, 3], ['sda'], /may be \/dev\/vdb or \/dev\/vdc/],
  ];
  for (const [devices, luns, disks, warns] of table) {
    const warnings: string[] = [];
    const found = behindManaged(
      { disks: devices, otherDisks: [] },
      [{ name: 'point', disks: luns.map((lun) => managed(lun).disk) }],
      [preflight(0, undefined)],
      { warn: (message) => warnings.push(message) },
    );
    assert.equal(found, [{ kind: 'all-of', disks }]);
    assert.is(warnings.length, warns === undefined ? 0 : 1);
    assert.match(warnings.join(''), warns ?? /^$/);
  }
});

test('a disk without a device may be any device that shows no LUN', () => {
  const { found, warnings } = behind([device('vda'), OS, device('loop0')], [-1, 3]);
  assert.equal(found, [
    { kind: 'disk', disk: 'sda' },
    { kind: 'one-of', disks: ['vda'] },
  ]);
  assert.match(warnings[0] ?? '', 'LUN 3 (disk3); it may be /dev/vda');
});

test('if every device shows its LUN, nothing of this machine is on the disk', () => {
  const { found, warnings } = behind([OS, DATA_0], [0, 3]);
  assert.equal(found, [{ kind: 'disk', disk: 'sdc' }, { kind: 'foreign' }]);
  assert.match(warnings[0] ?? '', 'LUN 3 (disk3) has no device');
});

test('two devices with one LUN decide nothing', () => {
  const twin = device('sdd', { role: 'data', lun: 0 });
  assert.equal(behind([DATA_0, twin], [0]).found, [{ kind: 'foreign' }]);
});

test('a device that is larger than its disk is another one; a smaller one has not been scanned', () => {
  assert.equal(behind([DATA_0], [0], [SIZE]).warnings, []);
  assert.match(behind([DATA_0], [0], [2 * SIZE]).warnings[0] ?? '', 'was made larger');
  try {
    behind([DATA_0], [0], [SIZE / 2]);
    assert.unreachable();
  } catch (error) {
    assert.is(error instanceof FlashfreezeError && error.code, 'FF_BLOB_MISMATCH');
  }
});

test.run();
