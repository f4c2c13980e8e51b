import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { requireLabCommands } from '../../src/lab/requirements.ts';
import { metricsAfter } from '../../src/report/metrics.ts';
import type { RunFile } from '../../src/report/run-file.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { suite } from '../suite.ts';
import { busyRecord, runOf } from './fixtures/runs.ts';

const test = suite('metrics');

const FAILED = runOf(busyRecord(8));
const GOOD: RunFile = {
  ...runOf(goodRecord(2)),
  writtenAt: '2026-11-22T02:00:00.000Z',
  credential: { kind: 'sas', endsAt: '2026-12-01T00:00:00.000Z' },
};

function linesOf(text: string): string[] {
  return text.split('\n');
}

function ofOrigin(text: string, origin: string): string[] {
  return linesOf(text).filter((line) => line.includes(`origin="${origin}"`));
}

async function promtool(text: string): Promise<{ code: number | null; said: string }> {
  await requireLabCommands(['promtool']);
  const child = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  child.stdin.end(text);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

test('have the result, the window and the counts of the run, with host and origin', () => {
  const lines = linesOf(metricsAfter('', FAILED));
  const at = 'host="db1",origin="command"';
  for (const line of [
    `flashfreeze_last_run_info{${at},version="0.1.0",consistency="none"} 1`,
    `flashfreeze_last_run_success{${at}} 0`,
    `flashfreeze_last_run_timestamp_seconds{${at}} 1795315313.62`,
    `flashfreeze_last_run_set_complete{${at}} 0`,
    `flashfreeze_last_run_disks_unprotected{${at}} 1`,
    `flashfreeze_last_run_result_code{${at}} 761`,
    `flashfreeze_last_run_window_seconds{${at},stat="max"} 0.038`,
    `flashfreeze_last_run_disks{${at}} 8`,
    `flashfreeze_last_run_snapshots{${at}} 7`,
    `flashfreeze_last_run_phase_seconds{${at},phase="settle"} 0.42`,
  ]) {
    assert.ok(lines.includes(line), line);
  }
  assert.not.match(lines.join('\n'), 'last_success');
});

test('a success and its credential are told', () => {
  const lines = linesOf(metricsAfter('', GOOD));
  const at = 'host="db1",origin="command"';
  for (const line of [
    `flashfreeze_last_success_timestamp_seconds{${at}} 1795312800`,
    `flashfreeze_last_run_set_complete{${at}} 1`,
    `flashfreeze_last_run_disks_unprotected{${at}} 0`,
    `flashfreeze_credential_end_timestamp_seconds{${at},kind="sas"} 1796083200`,
  ]) {
    assert.ok(lines.includes(line), line);
  }
});

test('a failure leaves the time of the last success, and so does a refusal', () => {
  const success =
    'flashfreeze_last_success_timestamp_seconds{host="db1",origin="command"} 1795312800';
  const refused = { ...FAILED, summary: null, set: null, timeline: null };
  for (const failure of [FAILED, refused]) {
    const after = linesOf(metricsAfter(metricsAfter('', GOOD), failure));
    assert.ok(after.includes(success));
    assert.ok(after.includes('flashfreeze_last_run_success{host="db1",origin="command"} 0'));
  }
  const text = metricsAfter(metricsAfter('', GOOD), refused);
  assert.match(text, 'last_run_set_complete{host="db1",origin="command"} 0');
  assert.not.match(text, /window|unprotected/);
});

test('a failure does not leave a last success that is in the future', () => {
  const ahead = metricsAfter('', { ...GOOD, writtenAt: '2027-11-22T02:00:00.000Z' });
  assert.match(ahead, 'flashfreeze_last_success_timestamp_seconds{');
  assert.not.match(metricsAfter(ahead, FAILED), 'flashfreeze_last_success_timestamp_seconds{');
});

test('a rehearsal changes no series of the backup, and a run of the extension none of the command', () => {
  const before = metricsAfter('', GOOD);
  for (const [origin, name] of [
    ['freeze', 'freeze'],
    ['extension', 'extension'],
  ] as const) {
    const after = metricsAfter(before, { ...FAILED, origin });
    assert.equal(ofOrigin(after, 'command'), ofOrigin(before, 'command'));
    assert.ok(ofOrigin(after, name).length > 5);
    assert.equal(
      ofOrigin(metricsAfter(after, { ...GOOD, origin: 'snapshot' }), name),
      ofOrigin(after, name),
    );
  }
});

test('a rehearsal has no series of a set', () => {
  assert.not.match(
    metricsAfter('', { ...GOOD, origin: 'freeze', set: null }),
    /set_complete|unprotected/,
  );
});

test('lines of older versions, which had no host, and lines of others are left out', () => {
  const old = [
    '# TYPE flashfreeze_last_run_success gauge',
    'flashfreeze_last_run_success 1',
    'flashfreeze_last_run_info{origin="extension",version="0.1.0"} 1',
    'node_load1{host="db1",origin="extension"} 0.5',
    'flashfreeze_gone{host="db1",origin="extension"} 1',
    'flashfreeze_last_run_success{host="db1",origin="extension"} rubbish',
  ].join('\n');
  assert.is(metricsAfter(old, GOOD), metricsAfter('', GOOD));
});

test('a host with strange letters survives another origin’s run', () => {
  const host = 'a"b\\c\nd';
  const first = metricsAfter('', { ...GOOD, machine: { ...GOOD.machine, host } });
  const both = metricsAfter(first, { ...FAILED, origin: 'freeze' });
  assert.equal(ofOrigin(both, 'command'), ofOrigin(first, 'command'));
  assert.match(first, 'host="a\\"b\\\\c\\nd"');
});

test('are OpenMetrics: type and help before the samples of each, and an end', () => {
  const both = metricsAfter(metricsAfter('', GOOD), { ...FAILED, origin: 'extension' });
  const lines = linesOf(both);
  assert.equal(lines.slice(-2), ['# EOF', '']);
  let family = '';
  const seen = new Set<string>();
  for (const line of lines.slice(0, -2)) {
    const type = /^# TYPE (\w+) gauge$/.exec(line)?.[1];
    family = type ?? family;
    assert.ok(type === undefined || !seen.has(type), line);
    seen.add(family);
    const sample = /^(?:# HELP \w+ .+|(\w+)\{\w+="[\w.-]*"(?:,\w+="[\w.-]*")*\} [\d.e+-]+)$/;
    assert.ok(type !== undefined || sample.test(line), line);
    assert.ok(line.includes(family), line);
  }
});

test('promtool finds nothing wrong with them, and would', async () => {
  const host = 'a"b\\c\nd';
  const all = [
    { ...GOOD, machine: { ...GOOD.machine, host } },
    { ...FAILED, origin: 'extension' },
    { ...GOOD, origin: 'freeze' },
  ] as const;
  const text = all.reduce((before, run) => metricsAfter(before, run), '');
  assert.equal(await promtool(text), { code: 0, said: '' });
  const unexplained = text.replace(/^# HELP flashfreeze_last_run_success .*\n/m, '');
  const { code, said } = await promtool(unexplained);
  assert.is.not(code, 0);
  assert.match(said, 'flashfreeze_last_run_success no help text');
});

test.run();
