import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backupRequest } from '../../bench/peers/backup-request.ts';
import { matchBlobsToDisks } from '../../src/backup/matching.ts';
import type { BackupRequest } from '../../src/backup/request.ts';
import { diskBehind } from '../../src/backup/whole-set/behind.ts';
import { FlashfreezeError } from '../../src/errors.ts';
import type { Disk, Plan } from '../../src/filesystems/plan-types.ts';
import { parseBlobs } from '../../src/snapshot/blob/blob.ts';
import { readBlobHead } from '../../src/snapshot/matching/blob-head.ts';
import { recordedHead } from '../snapshot/matching/fixtures/heads.ts';
import { suite } from '../suite.ts';

const test = suite('targets and their disks');

const SIZE_BYTES = 1 << 26;
const BLOBS = ['one', 'two', 'three'].map((name) => `https://a.example/vhds/${name}.vhd`);
const HEADS = ['ext4', 'xfs'].map(recordedHead);

/** Two disks, `sda` with an ext4 and `sdb` with an xfs, as files; blobs one and two are theirs. */
class Machine implements AsyncDisposable {
  readonly directory: string;
  readonly plan: Plan;

  private constructor(directory: string) {
    this.directory = directory;
    this.plan = {
      fileSystems: ['sda', 'sdb'].map((disk, index) => ({
        device: `8:${16 * index}`,
        type: index === 0 ? 'ext4' : 'xfs',
        source: `/dev/${disk}`,
        mountPoint: `/data/${index}`,
        mountPoints: [`/data/${index}`],
        disks: [disk],
        imageOn: undefined,
      })),
      waves: [[0, 1]],
      thawsAfter: [[], []],
      disks: ['sda', 'sdb'].map((name) => ({
        name,
        path: join(directory, name),
        lun: undefined,
        sizeBytes: SIZE_BYTES,
      })),
      excluded: [],
    };
  }

  static async create(): Promise<Machine> {
    const machine = new Machine(await mkdtemp(join(tmpdir(), 'flashfreeze-matching-')));
    await Promise.all(
      machine.plan.disks.map(({ path }, index) => writeFile(path, HEADS[index] ?? '')),
    );
    return machine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true });
  }

  /** @param named for each blob the disk it is named for; undefined for `--blob` */
  async match(
    named: readonly (string | undefined)[],
    asked: Partial<BackupRequest> = {},
    otherDisks: readonly Disk[] = [],
    heads: readonly Uint8Array[] = HEADS,
  ): Promise<{ disks: (string | undefined)[]; warnings: string[] }> {
    const warnings: string[] = [];
    const observer = {
      phaseBegins: () => {},
      phaseEnds: () => {},
      warn: (message: string) => warnings.push(message),
    };
    const request: BackupRequest = {
      ...backupRequest([], asked),
      blobs: parseBlobs(
        named.map((disk, index) => ({
          url: `${BLOBS[index]}?sig=secret`,
          device: disk && join(this.directory, disk),
        })),
      ),
    };
    const preflights = named.map((_, target) => ({
      ok: true as const,
      target,
      head: readBlobHead(heads[target] ?? new Uint8Array()),
      sizeBytes: SIZE_BYTES + 512,
    }));
    const behind = await matchBlobsToDisks(
      request,
      { ...this.plan, otherDisks },
      preflights,
      observer,
    );
    return { disks: behind.map(diskBehind), warnings };
  }
}

test('a dead disk that has nothing to do with the run is named, and the blobs are matched', async () => {
  await using machine = await Machine.create();
  // Opening a pipe without a writer waits, like reading a dead disk.
  const path = join(machine.directory, 'sdc');
  execFileSync('mkfifo', [path]);
  const dead = { name: 'sdc', path, lun: undefined, sizeBytes: 1 << 20 };
  const { disks, warnings } = await machine.match(['sda', undefined], {}, [dead]);
  assert.deepEqual(disks, ['sda', 'sdb']);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /sdc did not answer within 10 s .*: no blob is matched to it/);
});

test('correctly named blobs cause no warning, and each file system waits for its own', async () => {
  await using machine = await Machine.create();
  const { disks, warnings } = await machine.match(['sda', 'sdb']);
  assert.deepEqual(disks, ['sda', 'sdb']);
  assert.deepEqual(warnings, []);
});

test('a blob named for another disk than its content says is refused', async () => {
  await using machine = await Machine.create();
  await machine.match(['sda', undefined]);
  await assert.rejects(
    () => machine.match(['sdb', 'sda']),
    (error) =>
      error instanceof FlashfreezeError &&
      error.code === 'FF_BLOB_MISMATCH' &&
      error.exitCode === 2 &&
      /one\.vhd: it was named for sdb.*that of sda; .*two\.vhd: .*Nothing was frozen/.test(
        error.message,
      ) &&
      !error.message.includes('secret'),
  );
});

/** An error that refuses blobs of another machine, with a message that the pattern matches. */
const isForeign =
  (pattern: RegExp) =>
  (error: unknown): boolean =>
    error instanceof FlashfreezeError &&
    error.code === 'FF_BLOB_FOREIGN' &&
    error.exitCode === 2 &&
    pattern.test(error.message) &&
    !error.message.includes('secret');

test('a blob of another machine of the same image is refused with its twin, unless the caller accepts it', async () => {
  await using machine = await Machine.create();
  const [ext4, xfs] = HEADS.map((head) => new Uint8Array(head));
  assert.ok(ext4 && xfs);
  const three = [undefined, undefined, undefined];
  await assert.rejects(
    () => machine.match(three, {}, [], [ext4, xfs, ext4]),
    isForeign(
      /one\.vhd, .*three\.vhd are 2 blobs, .* only be \/dev\/sda: at least 1 .*Nothing was frozen.*--allow-foreign/,
    ),
  );
  const { disks } = await machine.match(three, { foreignBlobs: 'accept' }, [], [ext4, xfs, ext4]);
  assert.deepEqual(disks, [undefined, 'sdb', undefined]);
});

test('a blob that can be no disk that is left is refused, with what speaks against each', async () => {
  await using machine = await Machine.create();
  const [ext4, xfs] = HEADS.map((head) => new Uint8Array(head));
  assert.ok(ext4 && xfs);
  await assert.rejects(
    () => machine.match(['sda', undefined, undefined], {}, [], [ext4, xfs, ext4]),
    isForeign(
      /three\.vhd can be none .* \(its content is that of sda, but another blob was named for that disk\)/,
    ),
  );
  const blank = new Uint8Array(68 * 1024);
  await assert.rejects(
    () => machine.match([undefined, undefined, undefined], {}, [], [ext4, xfs, blank]),
    isForeign(/three\.vhd can be none .* \(its beginning is all zeroes/),
  );
});

test('--strict-match refuses a set that lacks a frozen disk, before anything is frozen', async () => {
  await using machine = await Machine.create();
  await assert.rejects(
    () => machine.match([undefined], { strictMatch: true }),
    (error: unknown) =>
      error instanceof FlashfreezeError &&
      error.code === 'FF_SET_INCOMPLETE' &&
      /Incomplete: snapshots of 1 of 2 .*sdb \(\/data\/1\).*Nothing was frozen/.test(error.message),
  );
  await machine.match([undefined], { strictMatch: true, isPartial: true });
});

test.run();
