import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { deviceNumberOf, devicesByMountId, mountIdOf } from '../../src/freezer/superblock.ts';
import { suite } from '../suite.ts';

const test = suite('superblock');

test('mountinfo gives the superblock of a mount id', () => {
  const mountinfo = [
    '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue',
    '41 36 0:41 /sub /mnt/with\\040space rw - btrfs /dev/sdc rw',
    '',
  ].join('\n');
  assert.equal(
    [...devicesByMountId(mountinfo)],
    [
      [36, '98:0'],
      [41, '0:41'],
    ],
  );
});

test('fdinfo gives the mount id', () => {
  assert.is(mountIdOf('pos:\t0\nflags:\t0200000\nmnt_id:\t41\nino:\t256\n'), 41);
  assert.is(mountIdOf('pos:\t0\n'), undefined);
});

/** makedev(3) of glibc. */
function encode(major: bigint, minor: bigint): number {
  return Number(
    ((major & 0xfffn) << 8n) |
      ((major & 0xfffff000n) << 32n) |
      (minor & 0xffn) |
      ((minor & 0xffffff00n) << 12n),
  );
}

test('a device number is decoded as makedev encodes it', () => {
  // The kernel has 12 bits of major and 20 bits of minor numbers.
  fc.assert(
    fc.property(fc.bigInt(0n, 4095n), fc.bigInt(0n, 1_048_575n), (major, minor) => {
      assert.is(deviceNumberOf(encode(major, minor)), `${major}:${minor}`);
    }),
  );
});

test.run();
