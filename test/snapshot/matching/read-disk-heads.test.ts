import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempDisposable, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blobContent } from '../../../src/snapshot/matching/blob-content.ts';
import { readBlobHead } from '../../../src/snapshot/matching/blob-head.ts';
import { HEAD_BYTES } from '../../../src/snapshot/matching/evidence.ts';
import { identify } from '../../../src/snapshot/matching/identify.ts';
import { identifyDisks, readDiskHeads } from '../../../src/snapshot/matching/read-disk-heads.ts';
import { suite } from '../../suite.ts';
import { recordedHead } from './fixtures/heads.ts';

const test = suite('the first bytes of a disk');

test('exactly the first bytes are read, and identify the disk', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flashfreeze-head-'));
  const path = join(directory.path, 'disk');
  const head = recordedHead('btrfs-1');
  await writeFile(path, head);
  await truncate(path, 2 ** 30);
  assert.deepEqual(await readDiskHeads([path], Buffer.from), [{ ok: true, shown: head }]);
  assert.deepEqual(await identifyDisks([path]), [
    {
      state: 'identified',
      evidence: [
        { kind: 'btrfs-fsid', value: '11111111-0000-4000-8000-0000000000b7' },
        { kind: 'btrfs-device-uuid', value: '99d60013-910b-4fcb-b2b4-4d7b4756263a' },
      ],
    },
  ]);
});

test('a disk that is smaller is read to its end', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flashfreeze-head-'));
  const path = join(directory.path, 'disk');
  await writeFile(path, Buffer.alloc(1024, 1));
  const [read] = await readDiskHeads([path], (head) => head.length);
  assert.deepEqual(read, { ok: true, shown: 1024 });
});

test('a disk that cannot be opened or read is unreadable, with its name and the reason, and does not spoil the others', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flashfreeze-head-'));
  const good = join(directory.path, 'disk');
  await writeFile(good, recordedHead('btrfs-1'));
  const paths = ['/dev/does-not-exist', good, '/'];
  const reasonOf = (path: string, why: string): string =>
    `${path} cannot be read as a block device (${why}): check that the disk is attached`;
  const [absent, read, folder] = await readDiskHeads(paths, identify);
  for (const [head, path, why] of [
    [absent, '/dev/does-not-exist', 'No such file or directory'],
    [folder, '/', 'Is a directory'],
  ] as const) {
    assert.deepEqual(head, { ok: false, reason: reasonOf(path, why), isSilent: false });
    assert.deepEqual(await identifyDisks([path]), [
      { state: 'unreadable', reason: reasonOf(path, why) },
    ]);
  }
  assert.equal(read?.ok, true);
});

test('many disks are told apart, in the order asked for', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flashfreeze-head-'));
  const paths = Array.from({ length: 200 }, (_, index) => join(directory.path, String(index)));
  await Promise.all(paths.map((path, index) => writeFile(path, Buffer.alloc(9_000, index))));
  const heads = await readDiskHeads(paths, Buffer.from);
  assert.deepEqual(
    heads,
    paths.map((_, index) => ({ ok: true, shown: Buffer.alloc(9_000, index) })),
  );
  assert.deepEqual(await readDiskHeads([], identify), []);
});

test('a disk that would not answer a second time is read only once', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flashfreeze-head-'));
  const path = join(directory.path, 'pipe');
  execFileSync('mkfifo', [path]);
  // Its writer ends after the first reader; a second open would wait for good.
  const written = writeFile(path, recordedHead('btrfs-1'));
  const [identity] = await identifyDisks([path]);
  await written;
  assert.equal(identity?.state, 'identified');
});

test('a disk that does not answer is reported beside those that do, and does not prevent the process from ending', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flashfreeze-head-'));
  // Opening a pipe without a writer waits, like reading a dead disk.
  const [path, good] = ['pipe', 'disk'].map((name) => join(directory.path, name));
  execFileSync('mkfifo', [`${path}`]);
  await writeFile(`${good}`, recordedHead('btrfs-1'));
  const script = `
    import { identifyDisks } from '${import.meta.resolve('../../../src/snapshot/matching/read-disk-heads.ts')}';
    console.log(JSON.stringify(await identifyDisks(${JSON.stringify([path, good])}, 5_000)));`;
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    timeout: 60_000,
    encoding: 'utf8',
  });
  const [unread, read] = JSON.parse(said);
  assert.deepEqual(unread, {
    state: 'unreadable',
    reason: `${path} did not answer within 5 s when its first bytes were read`,
    isSilent: true,
  });
  assert.equal(read.state, 'identified');
});

test('the preflight’s bytes become the content of a blob', () => {
  assert.deepEqual(
    blobContent({
      ok: true,
      target: 3,
      head: readBlobHead(Buffer.alloc(HEAD_BYTES)),
      sizeBytes: 512,
    }),
    { index: 3, identity: { state: 'blank' }, sizeBytes: 512 },
  );
  const failure = {
    kind: 'http',
    message: 'HTTP 403 AuthorizationPermissionMismatch',
    httpStatus: 403,
    serviceCode: 'AuthorizationPermissionMismatch',
    requestId: undefined,
  } as const;
  assert.deepEqual(blobContent({ ok: false, target: 0, failure }), {
    index: 0,
    identity: { state: 'unreadable', reason: 'HTTP 403 AuthorizationPermissionMismatch' },
    sizeBytes: undefined,
  });
});

test.run();
