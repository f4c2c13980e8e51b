import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../../src/errors.ts';
import { writeStatusFile } from '../../../src/extension/status/status-file.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { suite } from '../../suite.ts';

await enterLab();

const test = suite('status file on a bad disk');

/** Mounts a small file system of its own; unmounted at the end. */
async function withMount(name: string, body: (folder: string) => Promise<void>): Promise<void> {
  const folder = join('/run', name);
  await mkdir(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  try {
    await body(folder);
  } finally {
    execFileSync('umount', [folder]);
  }
}

async function errnoOf(writing: Promise<void>): Promise<string | undefined> {
  try {
    await writing;
    return undefined;
  } catch (error) {
    assert.ok(error instanceof FlashfreezeError);
    assert.is(error.code, 'FF_STATUS_UNWRITABLE');
    return error.systemCall?.errno;
  }
}

test('a full disk keeps the old file and gets no other one', () =>
  withMount('full', async (folder) => {
    await writeStatusFile(folder, 1, 'old');
    await writeFile(join(folder, 'filling'), Buffer.alloc(60 * 1024));
    assert.is(await errnoOf(writeStatusFile(folder, 1, 'new'.repeat(10_000))), 'ENOSPC');
    assert.is(await readFile(join(folder, '1.status'), 'utf8'), 'old');
    assert.equal((await readdir(folder)).sort(), ['1.status', 'filling']);
  }));

test('a read-only disk keeps the old file', () =>
  withMount('read-only', async (folder) => {
    await writeStatusFile(folder, 1, 'old');
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    assert.is(await errnoOf(writeStatusFile(folder, 1, 'new')), 'EROFS');
    assert.is(await readFile(join(folder, '1.status'), 'utf8'), 'old');
  }));

test.run();
