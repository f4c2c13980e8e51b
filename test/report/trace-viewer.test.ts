import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { requireLabCommands } from '../../src/lab/requirements.ts';
import type { RunFile } from '../../src/report/run-file.ts';
import { traceOf } from '../../src/report/trace.ts';
import { suite } from '../suite.ts';
import { browseUrl } from './browse.ts';
import { busyRecord, runOf } from './fixtures/runs.ts';

await requireLabCommands(['chromium']);

const test = suite('trace in a viewer');

/** Speedscope (https://www.speedscope.app), which reads the trace event format and works offline. */
const VIEWER = fileURLToPath(
  import.meta.resolve('speedscope/package.json').replace('package.json', 'dist/release/index.html'),
);

/** The tracks that the viewer lists, with their lengths, after it has loaded the trace as its own command does it. */
async function tracksIn(run: RunFile): Promise<ReadonlyMap<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-trace-'));
  try {
    const base64 = Buffer.from(JSON.stringify(traceOf(run))).toString('base64');
    const script = join(folder, 'trace.js');
    await writeFile(script, `speedscope.loadFileFromBase64("trace.json", "${base64}")`);
    const dom = await browseUrl(`file://${VIEWER}#localProfilePath=${script}`, 1280, [
      '--allow-file-access-from-files',
      '--virtual-time-budget=20000',
      '--dump-dom',
    ]);
    const rows = dom.matchAll(/<tr title="([^"]*)"[^>]*>.*?<td[^>]*>([\d.]+.s)<\/td><\/tr>/g);
    return new Map([...rows].map(([, name = '', length = '']) => [name, length]));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('the viewer shows a track for each file system and disk, a failed request with its whole length', async () => {
  const tracks = await tracksIn(runOf(busyRecord(8)));
  assert.is(tracks.size, 17);
  assert.is(tracks.get('disks (pid 3), /dev/sdb (tid 2)'), '19.00ms');
  assert.is(tracks.get('disks (pid 3), /dev/sdd (tid 4)'), '39.00ms');
  assert.ok(tracks.has('file systems (pid 2), /data/7 (ext4) (tid 8)'));
});

test.run();
