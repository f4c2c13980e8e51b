import * as assert from 'uvu/assert';
import { renderHtml } from '../../src/report/html.ts';
import { runFileOf } from '../../src/report/run-file.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { suite } from '../suite.ts';
import { busyRecord, foreignFreezeRecord, refusedRecord, runOf } from './fixtures/runs.ts';

const test = suite('HTML report');

test('has a row and a table line for each file system and disk', () => {
  const html = renderHtml(runOf(busyRecord(8)));
  assert.is(html.split('<svg').length - 1, 16);
  for (const name of ['/data/7', '/dev/sdh', 'vhds/disk7.vhd', 'code 761']) {
    assert.ok(html.includes(name), name);
  }
});

test('shows failures in their own colour and names them', () => {
  const failed = renderHtml(runOf(busyRecord(8)));
  assert.match(failed, 'rect class="failed"');
  assert.match(failed, 'no complete answer within the time limit');
  assert.not.match(renderHtml(runOf(goodRecord(8))), 'rect class="failed"');
});

test('the cause is the headline, and a refused disk has a bar and one coloured row with its error below', () => {
  const html = renderHtml(runOf(refusedRecord(64)));
  assert.match(html, 'class="verdict bad">Not usable: 1 of 64 disks refused (disk3.vhd)</p>');
  assert.match(html, 'class="advice">https://account.blob.example answered HTTP 403');
  const row = /<div class="row" id="disk-3">.*/.exec(html)?.[0] ?? '';
  assert.match(row, 'rect class="failed"');
  assert.match(row, '12.0 ms');
  assert.match(
    html,
    /<tr class="failed"><td class="whole">\/dev\/sdd<.*?<\/tr><tr class="failed why"><td colspan="6"><div>https/,
  );
});

test('what 64 disks have because of one cause is folded', () => {
  const html = renderHtml(runOf(foreignFreezeRecord(64)));
  assert.match(html, 'class="verdict bad">Not usable: /data/5 is already frozen by another tool');
  assert.is(html.split('<li ').length - 1, 1);
  assert.match(html, '<details><summary>64 disks: ');
  assert.is(html.split('no request was sent').length - 1, 1);
  assert.is(html.split('<tr class="failed">').length - 1, 64);
});

test('names are in natural order, and the longest are named and linked', () => {
  const html = renderHtml(runOf(refusedRecord(64)));
  const positions = ['>/data/2<', '>/data/10<', '>/dev/sdz<', '>/dev/sdaa<'].map((it) =>
    html.indexOf(it),
  );
  assert.equal(
    positions,
    positions.toSorted((a, b) => a - b),
  );
  for (const [, id] of html.matchAll(/<a href="#([^"]*)"/g)) {
    assert.is(html.split(`id="${id}"`).length, 2, id);
  }
  assert.match(html, 'blocked: <a href="#file-system-19">/data/19</a>');
  assert.match(html, 'slowest answer: <a href="#disk-19">/dev/sdt</a>');
});

test('says of the instant only what is true of it', () => {
  const claim = 'instant that every snapshot shows';
  assert.match(renderHtml(runOf(goodRecord(8))), claim);
  assert.not.match(renderHtml(runOf(busyRecord(8))), claim);
});

test('a command in the window is no snapshot', () => {
  const ran = { ...runOf(goodRecord(1)), origin: 'freeze' } as const;
  const html = renderHtml(ran);
  assert.match(html, 'ended with exit code 0, and everything was frozen all the time');
  assert.match(html, '<h3>Command</h3>');
  assert.match(html, '</i>command</span>');
  assert.not.match(html, /snapshot|>disk<|1 request/);
  const failed = renderHtml({ ...runOf(busyRecord(8)), origin: 'freeze' });
  assert.match(failed, /verdict bad">[^<]* failed, or ran while not everything was frozen/);
});

test('a scheduled start is told with how late it was', () => {
  const askedFor = new Date('2026-11-22T02:41:51.600Z');
  const html = renderHtml(runOf({ ...goodRecord(1), scheduled: { askedFor, lateMs: 0.25 } }));
  assert.match(
    html,
    'scheduled for 2026-11-22T02:41:51.600Z · the first freeze began 0.25 ms later',
  );
  assert.not.match(renderHtml(runOf(goodRecord(1))), 'scheduled for');
});

test('is whole in itself: nothing is loaded or run', () => {
  const html = renderHtml(runOf(busyRecord(8)));
  assert.not.match(html, /<(?:script|link|img|iframe|object)\b/);
  assert.not.match(html, /src=|href="(?!#)|url\(|@import/);
  assert.match(html, "default-src 'none'");
});

test('names the machine in the title and the heading', () => {
  const run = runOf(busyRecord(1));
  assert.match(renderHtml(run), '<title>flashfreeze snapshot on db1 2026');
  assert.match(renderHtml(run), '<h1>flashfreeze snapshot on db1</h1>');
  const older = { ...run, machine: { ...run.machine, host: null } };
  assert.match(renderHtml(older), '<h1>flashfreeze snapshot</h1>');
});

test('text of the run cannot become markup', () => {
  const html = renderHtml(runOf(busyRecord(1)));
  assert.match(html, '&lt;script&gt;alert(&quot;a warning&quot;)');
});

test('says what ended a run before anything was frozen', () => {
  const html = renderHtml(
    runFileOf(
      { kind: 'refused', error: { code: 'FF_BLOB_NOT_FOUND', message: 'no such blob' } },
      {
        origin: 'snapshot',
        taskId: 't',
        machine: { host: 'db1', flashfreeze: '0', kernel: '6', processors: 1 },
      },
      { monotonicNs: 0n, wallClock: new Date() },
    ),
  );
  assert.match(html, 'no such blob (FF_BLOB_NOT_FOUND)');
});

test.run();
