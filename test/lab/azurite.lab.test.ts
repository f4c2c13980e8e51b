import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { BlobClient, type RestError } from '@azure/storage-blob';
import type { LabFileSystemType } from '../../src/lab/disks.ts';
import { blobName, Lab, listBack, mixedDisks } from '../../src/lab/lab.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';

await enterLab();

const test = suite('lab with Azurite');

/** Where the bytes lie that identify a disk; see src/snapshot/matching. */
const IDENTITY_OFFSETS = { ext4: 1024 + 0x68, xfs: 32, btrfs: 65_536 + 32, gpt: 512 + 56 };
const IDENTITY_BYTES = 16;

test('has a page blob for each disk that can be recognized by its content', async () => {
  const specs = mixedDisks(4);
  await using lab = await Lab.create({ disks: specs, blobs: 'azurite', writers: false });
  const { disks, blobUrls } = lab.parts;
  for (const [index, { device, type, sizeBytes }] of disks.disks.entries()) {
    const blob = new BlobClient(blobUrls[index] ?? '');
    const { contentLength, blobType } = await blob.getProperties();
    assert.equal(blobType, 'PageBlob');
    assert.equal(contentLength, sizeBytes);
    const offset = IDENTITY_OFFSETS[specs[index]?.layout === 'gpt' ? 'gpt' : identityOf(type)];
    const ofBlob = await blob.downloadToBuffer(offset, IDENTITY_BYTES);
    assert.deepEqual(ofBlob, await readBytes(device, offset));
    assert.notDeepEqual(ofBlob, Buffer.alloc(IDENTITY_BYTES));
  }
});

function identityOf(type: LabFileSystemType): 'ext4' | 'xfs' | 'btrfs' {
  return type === 'ext3' ? 'ext4' : type;
}

async function readBytes(device: string, offset: number): Promise<Buffer> {
  await using file = await open(device, 'r');
  const bytes = Buffer.alloc(IDENTITY_BYTES);
  await file.read(bytes, 0, IDENTITY_BYTES, offset);
  return bytes;
}

test('lists a snapshot back that was taken with the SAS', async () => {
  await using lab = await Lab.create({ disks: mixedDisks(2), blobs: 'azurite', writers: true });
  const { azurite, disks, blobUrls } = lab.parts;
  const [first, second] = disks.disks;
  assert.ok(azurite && first && second);
  const { snapshot } = await new BlobClient(blobUrls[0] ?? '').createSnapshot({
    metadata: { task: 'one' },
  });
  const expected = { snapshot, sizeBytes: first.sizeBytes, metadata: { task: 'one' } };
  assert.deepEqual(await azurite.listSnapshots(blobName(first)), [expected]);
  assert.deepEqual(await azurite.listSnapshots(blobName(second)), []);
  const rows = await listBack(lab);
  assert.deepEqual(
    rows.map(({ snapshots }) => snapshots),
    [[snapshot], []],
  );
  assert.ok(rows.every(({ writes, longestStallMs }) => writes > 0 && longestStallMs > 0));
});

test('refuses a SAS without the permission, and one that has expired', async () => {
  await using lab = await Lab.create({ disks: mixedDisks(1), blobs: 'azurite', writers: false });
  const { azurite, disks } = lab.parts;
  const name = blobName(disks.disks[0] ?? assert.fail());
  const refused = ({ statusCode }: RestError): boolean => statusCode === 403;
  const readOnly = new BlobClient(azurite?.sasUrl(name, { permissions: 'r' }) ?? '');
  await assert.rejects(readOnly.createSnapshot(), refused);
  const expired = new BlobClient(azurite?.sasUrl(name, { expiresOn: new Date(0) }) ?? '');
  await assert.rejects(expired.createSnapshot(), refused);
});

test.run();
