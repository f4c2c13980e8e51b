import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../../src/errors.ts';
import { statusFileExists, writeStatusFile } from '../../../src/extension/status/status-file.ts';
import { suite } from '../../suite.ts';

const test = suite('status file');

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ff-status-'));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('is written under the sequence number, for root alone, and nothing else is left', () =>
  withFolder(async (folder) => {
    assert.is(await statusFileExists(folder, 7), false);
    await writeStatusFile(folder, 7, '[1]');
    await writeStatusFile(folder, 7, '[22]');
    assert.is(await statusFileExists(folder, 7), true);
    assert.equal(await readdir(folder), ['7.status']);
    assert.is(await readFile(join(folder, '7.status'), 'utf8'), '[22]');
    assert.is((await stat(join(folder, '7.status'))).mode & 0o777, 0o600);
  }));

test('a folder that is missing is made as the agent makes it', () =>
  withFolder(async (parent) => {
    const folder = join(parent, 'status');
    await writeStatusFile(folder, 7, '[1]');
    assert.is(await readFile(join(folder, '7.status'), 'utf8'), '[1]');
    assert.is((await stat(folder)).mode & 0o777, 0o700);
  }));

test('a reader never finds half of it, whoever writes', () =>
  withFolder(async (folder) => {
    const texts = ['a', 'b'].map((letter) => letter.repeat(60_000));
    await writeStatusFile(folder, 0, texts[0] ?? '');
    let isWriting = true;
    const writing = (async () => {
      for (let round = 0; round < 60; round += 1) {
        await writeStatusFile(folder, 0, texts[round % 2] ?? '');
      }
      isWriting = false;
    })();
    let reads = 0;
    while (isWriting) {
      assert.ok(texts.includes(await readFile(join(folder, '0.status'), 'utf8')));
      reads += 1;
    }
    await writing;
    assert.ok(reads > 0);
  }));

test('a folder that cannot be made is told with its path', () =>
  withFolder(async (folder) => {
    try {
      await writeStatusFile(join(folder, 'gone', 'none'), 1, 'x');
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof FlashfreezeError);
      assert.is(error.code, 'FF_STATUS_UNWRITABLE');
      assert.is(error.systemCall?.errno, 'ENOENT');
      assert.match(
        error.message,
        /^Cannot write the status file .*none\/1\.status: ENOENT\. Free disk space/,
      );
    }
  }));

test('nothing but the status file is left, also when it is written twice at once', () =>
  withFolder(async (folder) => {
    await Promise.all(['[]', '[1]'].map((text) => writeStatusFile(folder, 3, text)));
    assert.equal(await readdir(folder), ['3.status']);
    assert.match(await readFile(join(folder, '3.status'), 'utf8'), /^\[1?\]$/);
  }));

test.run();
