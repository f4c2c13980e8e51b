import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { deviceNumber } from '../../src/system/device-number.ts';
import { suite } from '../suite.ts';

const test = suite('device number');

/** makedev(3) of glibc. */
function encode(major: bigint, minor: bigint): bigint {
  return (
    ((major & 0xfffn) << 8n) |
    ((major & 0xfffff000n) << 32n) |
    (minor & 0xffn) |
    ((minor & 0xffffff00n) << 12n)
  );
}

test('is decoded as makedev encodes it', () => {
  // The kernel has 12 bits of major and 20 bits of minor numbers.
  fc.assert(
    fc.property(fc.bigInt(0n, 4095n), fc.bigInt(0n, 1_048_575n), (major, minor) => {
      assert.is(deviceNumber(encode(major, minor)), `${major}:${minor}`);
    }),
  );
});

test.run();
