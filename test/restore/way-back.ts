import { copyFile, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AnonymousCredential, ContainerClient } from '@azure/storage-blob';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { JOURNAL_DIRECTORY } from '../../src/backup/journal/journal.ts';
import type { LabDevice } from '../../src/lab/disks.ts';
import { diskName, LabVm } from '../../src/lab/lab-vm.ts';
import { RUN_FOLDER } from '../../src/report/run-folder.ts';
import { restoreReportSchema } from '../../src/report/schemas/restore-report.ts';
import { deepReportSchema, snapshotListSchema } from '../../src/report/schemas/stored-snapshots.ts';
import type { RestoreReport } from '../../src/restore/restore-text.ts';
import { flashfreeze } from '../commands/command-line.ts';

const CHUNK_BYTES = 64 * 1024;

/** Deletes all that runs wrote on this machine: records, journal, freeze order, logs. */
export async function forgetRuns(): Promise<void> {
  for (const folder of [dirname(RUN_FOLDER), JOURNAL_DIRECTORY, '/var/lib/flashfreeze']) {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where restore points are, as options of the commands: `--container <url>` or `--managed`. */
export type Where = readonly string[];

/** Restore points, the newest first, as the command lists them. */
export async function listPoints(
  where: Where,
): Promise<{ readonly id: string; readonly worth: string }[]> {
  const ended = await flashfreeze(['snapshots', 'list', ...where, '--json']);
  assert.is(ended.exitCode, 0, ended.stderr);
  return v.parse(snapshotListSchema, JSON.parse(ended.stdout)).restorePoints ?? [];
}

export async function verifyDeep(where: Where, id: string) {
  const args = ['snapshots', 'verify', ...where, '--deep', id, '--json'];
  const { exitCode, stdout, stderr } = await flashfreeze(args);
  assert.ok(stdout !== '', stderr);
  return { exitCode, report: v.parse(deepReportSchema, JSON.parse(stdout)) };
}

/** Restores a restore point to new blobs or disks whose names begin with the prefix. */
export async function restoreAll(
  where: Where,
  id: string,
  prefix: string,
  ...options: readonly string[]
): Promise<RestoreReport> {
  const ended = await flashfreeze([
    ...['restore', id, ...where, '--prefix', prefix, '--create', '--json'],
    ...options,
  ]);
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  return v.parse(restoreReportSchema, JSON.parse(ended.stdout));
}

/** Writes the content of the restored blob of an old one to an image file, as sparse as it is. */
export async function downloadRestored(
  container: string,
  { disks }: RestoreReport,
  oldBlob: string,
  path: string,
): Promise<void> {
  const disk = disks.find(({ source }) => source.endsWith(`/${oldBlob}`));
  const client = new ContainerClient(container, new AnonymousCredential());
  const content = await client.getBlobClient(disk?.name ?? '').downloadToBuffer();
  await using image = await open(path, 'wx');
  await image.truncate(content.length);
  const zeroes = Buffer.alloc(CHUNK_BYTES);
  for (let at = 0; at < content.length; at += CHUNK_BYTES) {
    const chunk = content.subarray(at, at + CHUNK_BYTES);
    if (!chunk.equals(zeroes.subarray(0, chunk.length))) {
      await image.write(chunk, 0, chunk.length, at);
    }
  }
}

/** A service that takes snapshots of disks, and gives what was restored of them. */
export interface Storage extends AsyncDisposable {
  /** Options of `flashfreeze snapshot`. */
  readonly targets: readonly string[];
  readonly where: Where;
  /** Writes what was restored of the nth device to an image. */
  copyRestored(report: RestoreReport, index: number, image: string): Promise<void>;
}

/** The managed disks of a VM of the lab. */
export async function managedStorage(devices: readonly LabDevice[]): Promise<Storage> {
  const vm = await LabVm.start(devices, {
    ...{ limits: 'none', operation: { durationMs: 60, retryAfterSeconds: undefined } },
  });
  return {
    targets: ['--managed'],
    where: ['--managed'],
    copyRestored: async ({ disks }, index, image) => {
      const restored = disks.find(({ source }) => source.endsWith(`/${diskName(index)}`));
      const made = (await vm.managed.madeDisks()).find(({ name }) => name === restored?.name);
      await copyFile(made?.imagePath ?? '', image);
    },
    [Symbol.asyncDispose]: async () => await vm[Symbol.asyncDispose](),
  };
}
