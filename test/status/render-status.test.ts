import * as assert from 'uvu/assert';
import type { StatusReport } from '../../src/status/judge-status.ts';
import { pluginLine, renderStatus } from '../../src/status/render-status.ts';
import { suite } from '../suite.ts';

const test = suite('text of the status');

const REPORT: StatusReport = {
  status: 'ok',
  host: 'db1',
  checkedAt: '2026-11-29T12:00:00.000Z',
  maxAgeHours: 26,
  lastSuccess: '2026-11-29T02:00:12.000Z',
  findings: [],
  runs: [
    {
      path: '/var/log/flashfreeze/runs/x.json',
      writtenAt: '2026-11-29T02:00:12.000Z',
      origin: 'snapshot',
      result: 'success',
      consistency: 'fileSystemConsistent',
      error: null,
      disks: 3,
      snapshots: 3,
      unprotected: 0,
      windowMs: 20.772,
      restorePoint: 'abc1234-5b1e',
    },
  ],
  schedule: {
    timer: 'flashfreeze-snapshot.timer',
    isActive: true,
    next: '2026-11-30T02:00:00.000Z',
    last: null,
  },
};

/** `'label'=value[UOM];[warn];[crit];[min];[max]`, as the Monitoring Plugins Development Guidelines have it. */
const FIGURE = /^[a-z]+=-?[\d.]+s?(?:;[\d.]*){0,4}$/;

function firstLine(report: StatusReport): string {
  return renderStatus(report).split('\n')[0] ?? '';
}

test('the first line is that of a plug-in, with figures', () => {
  const [text, figures = ''] = firstLine(REPORT).split(' | ');
  assert.is(
    text,
    'FLASHFREEZE OK - the last success is 10.0 h old: fileSystemConsistent, 3 of 3 snapshots',
  );
  assert.is(
    figures,
    'age=35988s;;93600;0 window=0.020772s;;;0 snapshots=3;;;0;3 unprotected=0;0;;0',
  );
  assert.ok(figures.split(' ').every((it) => FIGURE.test(it)));
});

test('what is wrong comes first, and the rest is counted', () => {
  const finding = (id: string, text: string) =>
    ({ id, status: 'warning', finding: text, remedy: 'do it' }) as const;
  const findings = [finding('a', 'one | two\nthree'), finding('b', 'four')];
  const text = renderStatus({ ...REPORT, status: 'warning', findings });
  assert.match(text, /^FLASHFREEZE WARNING - one \/ two\\x0athree \(and 1 more\) \| age=/);
  assert.match(text, '! b: four\n    → do it');
});

test('without a run there are no figures, and no table', () => {
  const text = renderStatus({ ...REPORT, status: 'critical', runs: [], lastSuccess: null });
  assert.match(text, /^FLASHFREEZE CRITICAL - [^|]*$/m);
  assert.not.match(text, 'latest runs');
});

test('the runs are a table', () => {
  const text = renderStatus(REPORT);
  assert.match(text, 'next run: 2026-11-30T02:00:00.000Z (flashfreeze-snapshot.timer)');
  assert.match(text, 'latest runs on db1:');
  assert.match(
    text,
    /2026-11-29 02:00:12 +snapshot +success +fileSystemConsistent +3 of 3 +20\.8 +abc1234-5b1e/,
  );
});

test('unknown is a line of its own', () => {
  assert.is(pluginLine('unknown', 'a|b'), 'FLASHFREEZE UNKNOWN - a/b');
});

test.run();
