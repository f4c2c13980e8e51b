import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { type Evidence, HEAD_BYTES } from '../../../src/snapshot/matching/evidence.ts';
import { identify } from '../../../src/snapshot/matching/identify.ts';
import { suite } from '../../suite.ts';
import { MD_ARRAY_UUID, MD_DEVICE_UUID, mdHead, recordedHead } from './fixtures/heads.ts';

const test = suite('identity of a disk');

const BTRFS_FSID = { kind: 'btrfs-fsid', value: '11111111-0000-4000-8000-0000000000b7' } as const;

/** What blkid(8) printed for these disks when they were recorded. */
const RECORDED: Readonly<Record<string, readonly Evidence[]>> = {
  ext2: [{ kind: 'ext-uuid', value: '11111111-0000-4000-8000-0000000000e2' }],
  ext3: [{ kind: 'ext-uuid', value: '11111111-0000-4000-8000-0000000000e3' }],
  ext4: [{ kind: 'ext-uuid', value: '11111111-0000-4000-8000-0000000000e4' }],
  xfs: [{ kind: 'xfs-uuid', value: '11111111-0000-4000-8000-0000000000f5' }],
  'btrfs-1': [
    BTRFS_FSID,
    { kind: 'btrfs-device-uuid', value: '99d60013-910b-4fcb-b2b4-4d7b4756263a' },
  ],
  'btrfs-2': [
    BTRFS_FSID,
    { kind: 'btrfs-device-uuid', value: '7f191884-33c1-4758-adaf-f61986a5b94e' },
  ],
  f2fs: [{ kind: 'f2fs-uuid', value: '11111111-0000-4000-8000-0000000000f2' }],
  nilfs2: [{ kind: 'nilfs2-uuid', value: 'e3ba3a40-824b-41e8-8e41-dc422fec65cc' }],
  swap: [{ kind: 'swap-uuid', value: '11111111-0000-4000-8000-000000000004' }],
  'swap-64k': [{ kind: 'swap-uuid', value: '11111111-0000-4000-8000-000000000064' }],
  gpt: [{ kind: 'gpt-disk-guid', value: '11111111-2222-4333-8444-0123456789ab' }],
  'gpt-4k': [{ kind: 'gpt-disk-guid', value: '11111111-2222-4333-8444-0123456789ac' }],
  lvm: [{ kind: 'lvm-pv-uuid', value: 'yrLYC2-23Iy-2VFx-jdn3-0HgH-lzzl-Xz1WyB' }],
  luks1: [{ kind: 'luks-uuid', value: '11111111-0000-4000-8000-0000000000c1' }],
  luks2: [{ kind: 'luks-uuid', value: '11111111-0000-4000-8000-0000000000c2' }],
};
const EVERY_HEAD = [...Object.keys(RECORDED), 'mbr', 'vhd-dynamic'].map(recordedHead);

function evidenceOf(head: Uint8Array): readonly Evidence[] {
  const identity = identify(head);
  return identity.state === 'identified' ? identity.evidence : [];
}

for (const [name, evidence] of Object.entries(RECORDED)) {
  test(`${name}, made by the real tool, is identified as blkid does`, () => {
    assert.deepEqual(evidenceOf(recordedHead(name)), evidence);
  });
}

test('an MBR gives its signature and its partition table', () => {
  const [signature, partitions] = evidenceOf(recordedHead('mbr'));
  assert.deepEqual(signature, { kind: 'mbr-signature', value: 'a06747d0' });
  assert.equal(partitions?.kind, 'mbr-partitions');
  assert.equal(partitions?.value.length, 128);
});

test('a member of an md array, 1.1 or 1.2, gives the array and the device', () => {
  for (const at of [0, 4096] as const) {
    assert.deepEqual(evidenceOf(mdHead(at)), [
      { kind: 'md-array-uuid', value: MD_ARRAY_UUID },
      { kind: 'md-device-uuid', value: MD_DEVICE_UUID },
    ]);
  }
});

test('a superblock at another position than its own field says is not evidence', () => {
  const md = Buffer.alloc(HEAD_BYTES);
  mdHead(0).subarray(0, 4096).copy(md, 4096);
  assert.equal(identify(md).state, 'unrecognized');

  const lvm = Buffer.alloc(HEAD_BYTES);
  recordedHead('lvm').subarray(512, 1024).copy(lvm, 1024);
  assert.equal(identify(lvm).state, 'unrecognized');
});

test('a structure with implausible fields is not evidence', () => {
  const gpt = recordedHead('gpt');
  gpt.writeBigUInt64LE(2n, 512 + 24);
  gpt.writeUInt32LE(0, 512 + 16);
  gpt.writeUInt32LE(crc32(gpt.subarray(512, 512 + 92)), 512 + 16);
  const btrfs = recordedHead('btrfs-1');
  btrfs.writeBigUInt64LE(64n << 20n, 65_536 + 48);
  const ext = recordedHead('ext4');
  ext.writeUInt32LE(7, 1024 + 0x18);
  const xfs = recordedHead('xfs');
  xfs.writeUInt32BE(0, 4);
  const swap = recordedHead('swap');
  swap.writeUInt32LE(2, 1024);
  const luks = recordedHead('luks2');
  luks.writeUInt16BE(3, 6);
  for (const head of [gpt, btrfs, ext, xfs, swap, luks]) {
    assert.equal(identify(head).state, 'unrecognized');
  }
});

test('a truncated UUID counts as missing', () => {
  for (const [name, end] of [
    ['ext4', 1024 + 0x78],
    ['xfs', 48],
    ['swap', 1024 + 28],
    ['luks1', 168 + 36],
    ['btrfs-1', 65_536 + 283],
  ] as const) {
    const head = recordedHead(name);
    assert.equal(identify(head.subarray(0, end - 1)).state, 'unrecognized', name);
    assert.equal(identify(head.subarray(0, 4096 * 17)).state, 'identified', name);
  }
});

test('a GPT or LVM label whose checksum is wrong is not evidence', () => {
  for (const [name, at] of [
    ['gpt', 512 + 60],
    ['gpt-4k', 4096 + 60],
    ['lvm', 512 + 40],
  ] as const) {
    const head = recordedHead(name);
    head.writeUInt8(head.readUInt8(at) ^ 1, at);
    assert.equal(identify(head).state, 'unrecognized', name);
  }
});

test('a GPT without protective MBR is not evidence', () => {
  const head = recordedHead('gpt');
  head.fill(0, 0, 512);
  assert.equal(identify(head).state, 'unrecognized');
});

test('the boot sector of a FAT file system does not count as an MBR', () => {
  const head = Buffer.alloc(HEAD_BYTES);
  head.write('\xeb\x58\x90mkfs.fat', 0, 'latin1');
  head.write('\x0e\x1f\xbe\x77\x7c\xac\x22\xc0', 436, 'latin1');
  head.writeUInt16LE(0xaa55, 510);
  assert.equal(identify(head).state, 'unrecognized');
  head.write('Press any key and try again ... This is not a bootable disk. ', 446, 'latin1');
  assert.equal(identify(head).state, 'unrecognized');
});

test('an MBR without signature does not identify a disk', () => {
  const head = recordedHead('mbr');
  head.writeUInt32LE(0, 440);
  assert.equal(identify(head).state, 'unrecognized');
});

test('a UUID of zeroes counts as missing', () => {
  const head = recordedHead('ext4');
  head.fill(0, 1024 + 0x68, 1024 + 0x78);
  assert.equal(identify(head).state, 'unrecognized');
});

test('several structures on one disk are all evidence', () => {
  const head = recordedHead('ext4');
  recordedHead('mbr').copy(head, 0, 0, 512);
  recordedHead('btrfs-1').copy(head, 65_536, 65_536);
  assert.deepEqual(
    evidenceOf(head).map(({ kind }) => kind),
    ['mbr-signature', 'mbr-partitions', 'ext-uuid', 'btrfs-fsid', 'btrfs-device-uuid'],
  );
});

test('fields that change while a disk is in use make no difference', () => {
  const ext = recordedHead('ext4');
  ext.fill(0x5a, 1024 + 0x0c, 1024 + 0x18);
  ext.fill(0x5a, 1024 + 0x2c, 1024 + 0x38);
  ext.fill(0x5a, 1024 + 0x78, 1024 + 0x400);
  assert.deepEqual(evidenceOf(ext), RECORDED.ext4);

  const btrfs = recordedHead('btrfs-1');
  btrfs.fill(0x5a, 65_536, 65_536 + 32);
  btrfs.fill(0x5a, 65_536 + 72, 65_536 + 136);
  assert.deepEqual(evidenceOf(btrfs), RECORDED['btrfs-1']);

  const md = mdHead(4096);
  md.fill(0x5a, 4096 + 192, 4096 + 256);
  assert.equal(evidenceOf(md).length, 2);
});

test('zeroes are blank, nothing read is unreadable, a dynamic VHD is reported as one', () => {
  assert.deepEqual(identify(Buffer.alloc(HEAD_BYTES)), { state: 'blank' });
  assert.deepEqual(identify(Buffer.alloc(512)), { state: 'blank' });
  assert.equal(identify(Buffer.alloc(0)).state, 'unreadable');
  assert.deepEqual(identify(recordedHead('vhd-dynamic')), { state: 'dynamic-vhd' });
});

test('bytes beyond the head change nothing', () => {
  for (const head of EVERY_HEAD.filter(({ length }) => length === HEAD_BYTES)) {
    assert.deepEqual(identify(Buffer.concat([head, Buffer.alloc(4096, 0xff)])), identify(head));
  }
});

test('garbage is never an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: HEAD_BYTES, size: 'max' }), (head) => {
      identify(head);
    }),
    { numRuns: 200 },
  );
});

test('damaged and truncated disks are never an error, and never found to be another disk', () => {
  const damage = fc.record({
    head: fc.constantFrom(...EVERY_HEAD),
    length: fc.nat({ max: HEAD_BYTES }),
    at: fc.oneof(fc.nat({ max: 5000 }), fc.nat({ max: HEAD_BYTES - 64 })),
    bytes: fc.uint8Array({ maxLength: 64 }),
  });
  fc.assert(
    fc.property(damage, ({ head, length, at, bytes }) => {
      const truncated = evidenceOf(head.subarray(0, length));
      assert.ok(
        truncated.every((found) => evidenceOf(head).some((it) => it.value === found.value)),
      );
      const damaged = Buffer.from(head);
      damaged.set(
        bytes.subarray(0, Math.max(0, damaged.length - at)),
        Math.min(at, damaged.length),
      );
      identify(damaged);
    }),
    { numRuns: 2000 },
  );
});

test.run();
