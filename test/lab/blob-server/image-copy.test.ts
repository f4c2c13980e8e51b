import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ImageCopier } from '../../../src/lab/blob-server/image-copy.ts';
import { runCommand } from '../../../src/lab/run-command.ts';
import { suite } from '../../suite.ts';

const test = suite('copying image files');

test('its end waits for a copy that is under way', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'image-copy-'));
  const [source, copy] = [join(directory, 'source'), join(directory, 'copy')];
  try {
    await runCommand('mkfifo', [source]);
    const copier = new ImageCopier();
    const copied = copier.copy(source, copy);
    // Opens when cp has opened the other end.
    const writer = await open(source, 'w');
    const ended = copier[Symbol.asyncDispose]();
    await writer.write('content');
    await writer.close();
    await ended;
    assert.is(await readFile(copy, 'utf8'), 'content');
    await copied;
  } finally {
    await rm(directory, { recursive: true });
  }
});

test.run();
