import * as assert from 'uvu/assert';
import { membershipsOf } from '../../src/backup/memberships.ts';
import { suite } from '../suite.ts';

const test = suite('membership of each target');

const MACHINE = { restorePoint: 'r', host: 'h', vm: undefined, version: '1' };
const DISK = { sizeBytes: 1, lun: undefined };
const PLAN = {
  disks: [{ ...DISK, name: 'sda', path: '/dev/sda', role: 'os' }],
  otherDisks: [{ ...DISK, name: 'sdc', path: '/dev/sdc', role: 'data', lun: 4 }],
} as const;

test('says position, device and LUN of what was matched, and nothing of what was not', () => {
  const found = membershipsOf(MACHINE, PLAN, [
    { behind: { kind: 'disk', disk: 'sdc' } },
    { behind: { kind: 'disk', disk: 'sda' } },
    { behind: { kind: 'one-of', disks: ['sda', 'sdc'] } },
    { behind: { kind: 'foreign' } },
  ]);
  assert.equal(
    found.map(({ position, count, device, lun }) => [position, count, device, lun]),
    [
      [1, 4, '/dev/sdc', 4],
      [2, 4, '/dev/sda', 'os'],
      [3, 4, undefined, undefined],
      [4, 4, undefined, undefined],
    ],
  );
});

test.run();
