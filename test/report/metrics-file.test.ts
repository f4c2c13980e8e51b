import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { runCommand } from '../../src/lab/run-command.ts';
import { metricsAfter } from '../../src/report/metrics.ts';
import { tellMetrics } from '../../src/report/metrics-file.ts';
import type { RunFile } from '../../src/report/run-file.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { suite } from '../suite.ts';
import { runOf } from './fixtures/runs.ts';

const test = suite('file of the metrics');
const RUN = runOf(goodRecord(2));

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-metrics-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('is written whole and readable by the collector, and nothing else is left in the folder', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'flashfreeze.prom');
    assert.is(await tellMetrics(RUN, path), undefined);
    assert.is(await readFile(path, 'utf8'), metricsAfter('', RUN));
    assert.is((await stat(path)).mode & 0o777, 0o644);
    assert.equal(await readdir(folder), ['flashfreeze.prom']);
    assert.is(await tellMetrics({ ...RUN, origin: 'freeze' }, path), undefined);
    assert.is(
      await readFile(path, 'utf8'),
      metricsAfter(metricsAfter('', RUN), { ...RUN, origin: 'freeze' }),
    );
  });
});

test('says why it cannot be written; without a path nothing is written', async () => {
  await inFolder(async (folder) => {
    assert.match((await tellMetrics(RUN, join(folder, 'none/x.prom'))) ?? '', 'ENOENT');
    assert.is(await tellMetrics(RUN, undefined), undefined);
  });
});

test('a pipe in its place is not read, which would never end, but replaced', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'flashfreeze.prom');
    await runCommand('mkfifo', [path]);
    assert.is(await tellMetrics(RUN, path), undefined);
    assert.is(await readFile(path, 'utf8'), metricsAfter('', RUN));
  });
});

/** Runs of one origin, one after the other, in a process of their own; the first is a success, the others fail. */
async function runsOf(origin: RunFile['origin'], path: string, count: number): Promise<void> {
  const program = `
    import { tellMetrics } from ${JSON.stringify(join(import.meta.dirname, '../../src/report/metrics-file.ts'))};
    const run = JSON.parse(process.argv[1]);
    for (let index = 0; index < ${count}; index++) {
      const summary = { ...run.summary, restorable: index === 0 };
      const problem = await tellMetrics({ ...run, summary }, process.argv[2]);
      if (problem !== undefined) throw new Error(problem);
    }`;
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', program, JSON.stringify({ ...RUN, origin }), path],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  assert.equal(await once(child, 'exit'), [0, null]);
}

test('of three origins whose runs end at once none loses a series, and none the last success', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'flashfreeze.prom');
    await writeFile(path, '');
    const origins = ['extension', 'snapshot', 'freeze', 'snapshot'] as const;
    await Promise.all(origins.map((origin) => runsOf(origin, path, 15)));
    const text = await readFile(path, 'utf8');
    for (const origin of ['extension', 'command', 'freeze']) {
      const at = `host="db1",origin="${origin}"`;
      assert.match(text, `last_success_timestamp_seconds{${at}}`);
      assert.match(text, `last_run_success{${at}} 0\n`);
    }
    assert.equal(await readdir(folder), ['flashfreeze.prom']);
  });
});

test.run();
