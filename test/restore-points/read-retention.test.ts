import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../src/errors.ts';
import { parseRetention, readRetention } from '../../src/restore-points/read-retention.ts';
import { isEmptyRule } from '../../src/restore-points/retention.ts';
import { suite } from '../suite.ts';

const test = suite('[Retention] in vmbackup.conf');

test('every key', () => {
  const text = `[SnapshotThread]
timeout = 60
[Retention]
keepLast = 1
keepHourly = 2
keepDaily = 3
keepWeekly = 4
keepMonthly = 5
keepYearly = 6
keepWithin = 2d
OLDERTHAN = 90h
`;
  assert.equal(parseRetention(text, 'c'), {
    ...{ last: 1, hourly: 2, daily: 3, weekly: 4, monthly: 5, yearly: 6 },
    ...{ withinMs: 2 * 86_400_000, olderThanMs: 90 * 3_600_000 },
  });
});

test('no file, no section and an empty one are an empty rule', () => {
  assert.ok(isEmptyRule(readRetention('/nonexistent')));
  assert.ok(isEmptyRule(parseRetention('[SnapshotThread]\ntimeout = x\nbroken\n', 'c')));
  assert.ok(isEmptyRule(parseRetention('[Retention]\n', 'c')));
});

test('a mistake is refused, because prune would delete more than was meant', async () => {
  for (const [section, message] of [
    ['keepDayly = 7', 'did you mean keepDaily'],
    ['keepDaily = many', 'expected a whole number'],
    ['keepDaily = 0', 'expected a whole number'],
    ['keepDaily =', 'expected a whole number'],
    ['olderThan = 30', 'expected a number from 1 followed by'],
    ['keepWithin = 6m', 'for months 180d'],
    ['keepWithin = 0d', 'expected a number from 1'],
    ['keepDaily = 7\nkeepWeekly 5', 'line 3'],
  ] as const) {
    refused(() => parseRetention(`[Retention]\n${section}\n`, 'c'), message);
  }
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-retention-'));
  try {
    refused(() => readRetention(folder), 'EISDIR');
    await writeFile(join(folder, 'c'), '[Retention]\nkeepDaily = 7\n');
    assert.equal(readRetention(join(folder, 'c')), { daily: 7 });
  } finally {
    await rm(folder, { recursive: true });
  }
});

function refused(act: () => unknown, message: string): void {
  try {
    act();
    assert.unreachable(message);
  } catch (error) {
    assert.ok(error instanceof FlashfreezeError, String(error));
    assert.is(error.code, 'FF_CONFIG_INVALID');
    assert.match(error.message, message);
  }
}

test.run();
