import * as assert from 'uvu/assert';
import { renderDoctor } from '../../src/doctor/doctor-terminal.ts';
import type { DoctorReport } from '../../src/doctor/doctor-types.ts';
import {
  jsonText,
  printable,
  printableLines,
  printableMessage,
  printableTexts,
} from '../../src/log/printable.ts';
import { summarizeFreeze } from '../../src/report/freeze-summary.ts';
import { summarizePlan } from '../../src/report/plan-summary.ts';
import { renderPlan } from '../../src/report/plan-terminal.ts';
import { summarize } from '../../src/report/summary.ts';
import { renderCommandRun, renderFreeze, renderSummary } from '../../src/report/terminal.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { suite } from '../suite.ts';

const test = suite('printable text');
/** What colours the text of a terminal, if the test runs in one. */
const COLOUR = new RegExp(`${'\x1b'}\\[\\d+m`, 'g');
const EVIL = '\x1b[2J\r\n\x9b31m\u2028\u202e';

for (const [text, expected] of [
  ['/data', '/data'],
  ['/mnt/\x1b[2Jx\ny', '/mnt/\\x1b[2Jx\\x0ay'],
  ['\x7f\x9b', '\\x7f\\x9b'],
  ['a\u202eb\u2028c\u2066', 'a\\u202eb\\u2028c\\u2066'],
  ['Grüße, 日本語 🙂', 'Grüße, 日本語 🙂'],
] as const) {
  test(`${JSON.stringify(text)} is printed as ${expected}`, () => {
    assert.is(printable(text), expected);
  });
}

test('text of several lines keeps its line feeds; a message those before indented lines only', () => {
  assert.is(printableLines('a\x1b\nb\r\n'), 'a\\x1b\nb\\x0d\n');
  assert.is(printableMessage('2 failed.\n  a: x\n  b\ny'), '2 failed.\n  a: x\n  b\\x0ay');
});

/** The same value with something that acts on a terminal in each of its texts, except words that the program chooses. */
function spoilt<T>(value: T, suffix: string, words: readonly string[]): T {
  const spoil = (it: unknown): unknown => {
    if (typeof it === 'string') {
      return words.includes(it) ? it : `${it}${suffix}`;
    }
    if (Array.isArray(it)) {
      return it.map(spoil);
    }
    return typeof it === 'object' && it !== null
      ? Object.fromEntries(Object.entries(it).map(([key, each]) => [key, spoil(each)]))
      : it;
  };
  return spoil(value) as T;
}

const record = goodRecord(2);
const summary = { ...summarize(record), warnings: ['a warning'], problems: ['a problem'] };
const plan = summarizePlan(
  {
    ...record.plan,
    excluded: [
      {
        ...{ device: '0:2', type: 'vfat', mountPoint: '/efi', disks: [], isWritable: true },
        reason: 'not-freezable',
      },
    ],
    warnings: ['a warning'],
  },
  { usedBytes: [], diskDirtyBytes: [], dirtyBytes: 1, clock: undefined },
  { blobs: [{ blob: 'https://a.example/c/b', device: null, because: 'x' }], managed: null },
  { low: 1, high: 2, reasons: ['a reason'] },
);
const report: DoctorReport = {
  status: 'warning',
  checks: [{ id: 'x', status: 'warning', finding: 'found', remedy: 'do it' }],
  managed: {
    role: { Name: 'n', Description: 'd', Actions: ['a'], AssignableScopes: ['s'] },
    commands: ['az role'],
  },
};
const WORDS = ['ok', 'warning', 'failed', summary.consistency];
const command = {
  end: { kind: 'exited', exitCode: 0 },
  output: { text: () => '', lostBytes: 0 },
} as unknown as Parameters<typeof summarizeFreeze>[2];
const freeze = summarizeFreeze(record, 'dump', command);

const RENDERED: readonly [name: string, render: (suffix: string) => string][] = [
  ['a plan', (suffix) => renderPlan(spoilt(plan, suffix, WORDS))],
  ['the checks of doctor', (suffix) => renderDoctor(spoilt(report, suffix, WORDS), true)],
  ['the end of a run', (suffix) => renderSummary(spoilt(summary, suffix, WORDS))],
  ['a kept run of freeze', (suffix) => renderCommandRun(spoilt(summary, suffix, WORDS))],
  ['the end of freeze', (suffix) => renderFreeze(spoilt(freeze, suffix, WORDS))],
];

for (const [name, render] of RENDERED) {
  test(`${name}: no text in it acts on the terminal, or begins a line`, () => {
    const text = render(EVIL);
    const lines = text.replaceAll(COLOUR, '').replaceAll('\n', '');
    assert.is(printable(lines), lines);
    assert.is(text.split('\n').length, render('').split('\n').length);
    assert.match(text, '\\x1b[2J');
  });
}

test('what is no text stays as it is', () => {
  const value = { a: [1, null, true, undefined], b: { c: 'x\n' } };
  assert.equal(printableTexts(value), { a: [1, null, true, undefined], b: { c: 'x\\x0a' } });
});

test('JSON gives its reader every character, and a terminal none that acts', () => {
  const value = { 'na\u009bme': ['a\x1b[2J\n\u202eb\u2028\x7f', 1, null], empty: {} };
  const text = jsonText(value);
  assert.equal(JSON.parse(text), value);
  assert.match(text, '"a\\u001b[2J\\n\\u202eb\\u2028\\u007f"');
  assert.not.match(text, /[^\P{Cc}\n]|[\u202e\u2028]/u);
  assert.is(jsonText({ a: [1] }), JSON.stringify({ a: [1] }, null, 2));
});

test.run();
