import * as assert from 'uvu/assert';
import { journalRecordOf, RUN_MESSAGE_ID } from '../../src/report/journal-record.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { suite } from '../suite.ts';
import { busyRecord, refusedRecord, runOf } from './fixtures/runs.ts';

const test = suite('journal record');
const GOOD = runOf(goodRecord(3));

test('a good run is information, with everything to search for', () => {
  assert.equal(journalRecordOf(GOOD, '/var/log/run.json'), {
    MESSAGE:
      'snapshot: fileSystemConsistent: 3 of 3 snapshots; writers were blocked for at most 31.0 ms',
    PRIORITY: '6',
    MESSAGE_ID: RUN_MESSAGE_ID,
    SYSLOG_IDENTIFIER: 'flashfreeze',
    FLASHFREEZE_RUN: 'task-1',
    FLASHFREEZE_ORIGIN: 'snapshot',
    FLASHFREEZE_RESULT: 'success',
    FLASHFREEZE_HOST: 'db1',
    FLASHFREEZE_VERSION: '0.1.0',
    FLASHFREEZE_REPORT: '/var/log/run.json',
    FLASHFREEZE_CONSISTENCY: 'fileSystemConsistent',
    FLASHFREEZE_CODE: '1',
    FLASHFREEZE_WINDOW_MS: '31',
    FLASHFREEZE_DISKS: '3',
    FLASHFREEZE_SNAPSHOTS: '3',
    FLASHFREEZE_DISKS_UNPROTECTED: '0',
  });
});

test('a failure is an error, with its problems one per line', () => {
  const record = journalRecordOf(runOf(refusedRecord(8)), undefined);
  assert.match(
    record.MESSAGE ?? '',
    'snapshot: Not usable: 1 of 8 disks refused (disk3.vhd); writers',
  );
  assert.equal(
    [record.PRIORITY, record.FLASHFREEZE_RESULT, record.FLASHFREEZE_DISKS_UNPROTECTED],
    ['3', 'failed', '1'],
  );
  const { problems } = runOf(refusedRecord(8)).summary ?? { problems: [] };
  assert.is(record.FLASHFREEZE_PROBLEMS, problems.join('\n'));
  assert.is(record.FLASHFREEZE_REPORT, undefined);
});

test('a refusal is an error with its code', () => {
  const error = { code: 'FF_BLOB_NOT_FOUND', message: 'no such blob' };
  const run = { ...runOf(busyRecord(1)), error, summary: null, set: null, timeline: null };
  const record = journalRecordOf(run, undefined);
  assert.is(
    record.MESSAGE,
    'snapshot: ended before anything was frozen: no such blob (FF_BLOB_NOT_FOUND)',
  );
  assert.equal([record.PRIORITY, record.FLASHFREEZE_ERROR], ['3', 'FF_BLOB_NOT_FOUND']);
});

test('a good run that leaves a disk without a snapshot is a warning', () => {
  const run = { ...GOOD, set: { complete: false, unprotected: 1 } };
  assert.is(journalRecordOf(run, undefined).PRIORITY, '4');
});

test('a command in the window is told as one', () => {
  const run = { ...GOOD, origin: 'freeze', set: null } as const;
  assert.match(journalRecordOf(run, undefined).MESSAGE ?? '', 'freeze: ');
  assert.is(journalRecordOf(run, undefined).FLASHFREEZE_DISKS_UNPROTECTED, undefined);
});

test.run();
