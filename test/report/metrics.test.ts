import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { renderMetrics, tellMetrics } from '../../src/report/metrics.ts';
import { suite } from '../suite.ts';
import { busyRecord, runOf } from './fixtures/runs.ts';

const test = suite('metrics');
const run = runOf(busyRecord(8));

test('have the window, the result and the counts of the run', () => {
  const text = renderMetrics(run);
  for (const line of [
    'flashfreeze_last_run_info{origin="snapshot",version="0.1.0"} 1',
    'flashfreeze_last_run_success 0',
    'flashfreeze_last_run_result_code 761',
    'flashfreeze_last_run_window_seconds{stat="max"} 0.038',
    'flashfreeze_last_run_disks 8',
    'flashfreeze_last_run_snapshots 7',
    'flashfreeze_last_run_phase_seconds{phase="settle"} 0.42',
  ]) {
    assert.ok(text.split('\n').includes(line), line);
  }
});

test('are OpenMetrics: type and help before the samples of each, and an end', () => {
  const lines = renderMetrics(run).split('\n');
  assert.equal(lines.slice(-2), ['# EOF', '']);
  let family = '';
  for (const line of lines.slice(0, -2)) {
    const type = /^# TYPE (\w+) gauge$/.exec(line)?.[1];
    family = type ?? family;
    const sample = /^(?:# HELP \w+ .+|(\w+)(?:\{\w+="[\w.-]*"(?:,\w+="[\w.-]*")*\})? [\d.e+-]+)$/;
    assert.ok(type !== undefined || sample.test(line), line);
    assert.ok(line.includes(family), line);
  }
});

test('of a run that froze nothing: no window', () => {
  const text = renderMetrics({ ...run, summary: null, timeline: null });
  assert.match(text, 'success 0');
  assert.not.match(text, 'window');
});

test('are written whole, and nothing else is left in the folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-metrics-'));
  try {
    const path = join(folder, 'flashfreeze.prom');
    assert.is(await tellMetrics(run, path), undefined);
    assert.is(await readFile(path, 'utf8'), renderMetrics(run));
    assert.equal(await readdir(folder), ['flashfreeze.prom']);
    assert.match((await tellMetrics(run, join(folder, 'none/x.prom'))) ?? '', 'ENOENT');
    assert.is(await tellMetrics(run, undefined), undefined);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
