import * as assert from 'uvu/assert';
import type { BackupRecord } from '../../src/backup/record.ts';
import { headlineOf, sentenceOf } from '../../src/report/headline.ts';
import { summarize } from '../../src/report/summary.ts';
import { renderSummary } from '../../src/report/terminal.ts';
import { failedAnswer, goodAnswer, goodRecord, targetRecord } from '../backup/fixtures/records.ts';
import { suite } from '../suite.ts';
import { foreignFreezeRecord, refusedRecord } from './fixtures/runs.ts';

const test = suite('headline of a run');

const unsent = (count: number, sent: number): BackupRecord =>
  goodRecord(count, {
    disks: Array.from({ length: count }, (_, index) =>
      targetRecord({
        ...failedAnswer(index, {
          message: index < sent ? 'connection reset' : 'no request was sent',
        }),
        attempts: index < sent ? 1 : 0,
      }),
    ),
  });

for (const [name, record, expected] of [
  ['a good run needs none', goodRecord(64), undefined],
  [
    'one refused disk is the cause',
    refusedRecord(64),
    'Not usable: 1 of 64 disks refused (disk3.vhd)',
  ],
  [
    'a freeze of another tool is the cause, not the 64 disks',
    foreignFreezeRecord(64),
    'Not usable: /data/5 is already frozen by another tool and was left frozen.',
  ],
  [
    'requests that were not sent are consequences',
    unsent(64, 5),
    'Not usable: 5 of 64 disks failed (disk0.vhd, disk1.vhd, disk2.vhd and 2 more)',
  ],
  [
    'less than asked is not useless',
    goodRecord(2, {
      disks: [
        targetRecord(goodAnswer(0)),
        targetRecord(goodAnswer(1), [1], { writes: { kind: 'changed', disks: ['sdb'] } }),
      ],
    }),
    'Less than asked: disk1.vhd: the snapshot 2026-11-22T02:41:52.6390000Z does not show',
  ],
] as const) {
  test(name, () => {
    const { text } = headlineOf(summarize(record));
    assert.is(text?.slice(0, expected?.length), expected);
  });
}

test('a refusal says what to do', () => {
  assert.match(headlineOf(summarize(refusedRecord(64))).advice ?? '', 'the SAS lacks a permission');
});

test('the same problem of many disks is one sentence, for people who read a terminal too', () => {
  const summary = summarize(foreignFreezeRecord(64));
  assert.is(summary.problems.length, 65);
  const { general, ofDisks } = headlineOf(summary);
  assert.is(general.length, 1);
  assert.is(ofDisks.length, 1);
  assert.match(
    ofDisks.map(sentenceOf).join(),
    '64 disks: https://account.blob.example: no request was sent, because the run was cancelled first (disk0.vhd, disk1.vhd, disk2.vhd and 61 more)',
  );
  const lines = renderSummary(summary).split('\n');
  assert.is(lines.filter((line) => line.includes('no request was sent')).length, 1);
  assert.ok(lines.some((line) => line.includes('✗ Not usable: /data/5 is already frozen')));
});

test('the tables are in natural order', () => {
  const lines = renderSummary(summarize(goodRecord(64))).split('\n');
  const at = (text: string): number => lines.findIndex((line) => line.includes(text));
  assert.ok(at('/data/2 ') < at('/data/10 '));
  assert.ok(at('/dev/sdz ') < at('/dev/sdaa '));
});

test.run();
