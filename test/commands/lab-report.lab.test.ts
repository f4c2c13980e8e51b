import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { flashfreeze } from './command-line.ts';

const test = suite('flashfreeze lab --report');

test('the page of the run is on the machine after the lab is gone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-lab-report-'));
  try {
    const page = join(folder, 'run.html');
    const ended = await flashfreeze(['lab', '--disks', '2', '--report', page]);
    assert.is(ended.exitCode, 0, ended.stderr);
    const html = await readFile(page, 'utf8');
    assert.match(html, /class="verdict good">\w+: 2 of 2 snapshots/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a page that cannot be written is refused before the lab is made', async () => {
  const ended = await flashfreeze(['lab', '--disks', '2', '--report', '/nowhere/run.html']);
  assert.is(ended.exitCode, 2);
  assert.match(ended.stderr, '/nowhere/run.html: cannot be written (ENOENT)');
  assert.match(ended.stderr, '(FF_USAGE)');
});

test.run();
