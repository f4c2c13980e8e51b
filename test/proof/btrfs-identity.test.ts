import * as assert from 'uvu/assert';
import { crc32c, withFsid } from '../../bench/proof/btrfs-identity.ts';
import { suite } from '../suite.ts';

const test = suite('the identity of a btrfs copy');

function superblock(): Buffer {
  const bytes = Buffer.alloc(4096);
  bytes.fill(0xaa, 0x20, 0x30);
  bytes.write('_BHRfS_M', 0x40, 'latin1');
  bytes.writeBigUInt64LE(0x361n, 0xbc);
  return bytes;
}

test('crc32c gives the check value of its catalogue', () => {
  assert.is(crc32c(Buffer.from('123456789')), 0xe3069283);
});

test('the old fsid becomes the metadata uuid, once', () => {
  const first = withFsid(superblock(), Buffer.alloc(16, 0xbb));
  assert.equal(first.subarray(0x20, 0x30), Buffer.alloc(16, 0xbb));
  assert.equal(first.subarray(0x23b, 0x24b), Buffer.alloc(16, 0xaa));
  assert.is(first.readBigUInt64LE(0xbc), 0x761n);
  assert.is(first.readUInt32LE(0), crc32c(first.subarray(0x20)));
  const second = withFsid(first, Buffer.alloc(16, 0xcc));
  assert.equal(second.subarray(0x23b, 0x24b), Buffer.alloc(16, 0xaa));
});

test('what is no btrfs superblock, or has another checksum, is refused', () => {
  assert.throws(() => withFsid(Buffer.alloc(4096), Buffer.alloc(16)), /not a btrfs superblock/);
  const sha256 = superblock();
  sha256.writeUInt16LE(2, 0xc4);
  assert.throws(() => withFsid(sha256, Buffer.alloc(16)), /crc32c/);
});

test.run();
