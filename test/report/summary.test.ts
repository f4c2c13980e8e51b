import * as assert from 'uvu/assert';
import { type RunSummary, summarize } from '../../src/report/summary.ts';
import { renderSummary } from '../../src/report/terminal.ts';
import {
  failedAnswer,
  goodAnswer,
  goodRecord,
  heldTimes,
  targetRecord,
} from '../backup/fixtures/records.ts';
import { suite } from '../suite.ts';

const test = suite('run summary');

test('has exactly the documented fields', () => {
  const summary = summarize(goodRecord(1));
  assert.equal(Object.keys(summary), [
    'consistency',
    'code',
    'name',
    'restorable',
    'barrier',
    'windowMs',
    'fileSystems',
    'disks',
    'freezeAttempts',
    'orphans',
    'application',
    'clock',
    'phasesMs',
    'threads',
    'problems',
    'warnings',
  ]);
  assert.equal(summary.fileSystems, [
    { mountPoint: '/data/0', type: 'ext4', disks: ['sda'], freezeMs: 2, windowMs: 31 },
  ]);
  assert.equal(summary.disks, [
    {
      device: '/dev/sda',
      blob: 'https://account.blob.example/vhds/disk0.vhd',
      snapshot: '2026-11-22T02:41:52.6390000Z',
      httpStatus: 201,
      requestId: 'request-1',
      attempts: 1,
      latencyMs: 20,
      showsInstant: true,
      writes: 'unchanged',
      error: null,
    },
  ]);
});

test('measures the window from the start of FIFREEZE to the end of FITHAW', () => {
  const slow = heldTimes({ thawedNs: 110_000_000n });
  const summary = summarize(goodRecord(2, { fileSystems: [heldTimes(), slow] }));
  assert.equal(summary.windowMs, { max: 100, mean: 65.5 });
});

test('gives a file system that never froze no window', () => {
  const refused = heldTimes({ frozenNs: undefined, freezeErrno: 'EBUSY', thawedNs: undefined });
  const summary = summarize(
    goodRecord(1, {
      fileSystems: [refused],
      barrier: undefined,
      end: { kind: 'freeze-failed', fileSystem: 0, errno: 'EBUSY' },
    }),
  );
  assert.is(summary.fileSystems[0]?.windowMs, null);
  assert.equal(summary.windowMs, { max: 0, mean: 0 });
});

test('owns up to the stall of a broken first attempt and to its orphans', () => {
  const broken = heldTimes({ thawedNs: 5_010_000_000n });
  const summary = summarize(
    goodRecord(1, {
      earlierAttempts: [{ fileSystems: [broken], stuck: [0] }],
      orphans: [
        { blob: 'https://a.example/c/b', snapshot: 'T', keptBecause: 'AuthorizationFailure' },
      ],
    }),
  );
  assert.is(summary.freezeAttempts, 2);
  assert.is(summary.windowMs.max, 5_000);
  assert.equal(summary.orphans, [
    { blob: 'https://a.example/c/b', snapshot: 'T', deleted: false, error: 'AuthorizationFailure' },
  ]);
  assert.match(summary.problems.join(), 'delete it manually');
});

test('survives a trip through JSON unchanged: no undefined, no bigint', () => {
  const summary = summarize(
    goodRecord(2, { disks: [targetRecord(goodAnswer(0)), targetRecord(failedAnswer(1))] }),
  );
  assert.equal(JSON.parse(JSON.stringify(summary)), summary);
});

test('prints a table with every file system and disk, and the verdict', () => {
  const text = renderSummary(summarize(goodRecord(2)));
  for (const part of [
    '/data/0',
    '/data/1',
    '/dev/sda',
    '/dev/sdb',
    '2 of 2 snapshots',
    '31.0 ms',
  ]) {
    assert.match(text, part);
  }
});

test('says of the instant only what is true of it', () => {
  const good = renderSummary(summarize(goodRecord(2)));
  assert.match(good, /✓ fileSystemConsistent.*\nall snapshots show 2/);
  const disks = [targetRecord(goodAnswer(0)), targetRecord(failedAnswer(1))];
  const failed = renderSummary(summarize(goodRecord(2, { disks })));
  assert.match(failed, /✗ none.*\neverything was frozen at 2/);
  assert.not.match(failed, 'all snapshots show');
  const crash: RunSummary = { ...summarize(goodRecord(2)), consistency: 'crashConsistent' };
  const asked = renderSummary(crash);
  assert.match(asked, '✓ crashConsistent');
  assert.not.match(asked, 'all snapshots show');
});

test('lets no control character of a mount point reach the terminal', () => {
  const record = goodRecord(1);
  const hostile = '/data/\u001b]0;x\u0007';
  const fileSystems = record.plan.fileSystems.map((it) => ({ ...it, mountPoint: hostile }));
  const text = renderSummary(summarize({ ...record, plan: { ...record.plan, fileSystems } }));
  assert.not.match(text, '\u0007');
  assert.match(text, '\\x07');
});

test.run();
