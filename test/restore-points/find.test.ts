import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../src/errors.ts';
import { findRestorePoint } from '../../src/restore-points/find.ts';
import { restorePointsOf } from '../../src/restore-points/group.ts';
import { suite } from '../suite.ts';
import { member } from './fixtures/members.ts';

const test = suite('finding a restore point');

const points = restorePointsOf(
  ['6f0e3a52-1', '6f0e3a52-12', 'a1'].map((run) => member({ run, count: 1 })),
  [],
);

test('by its identifier, or an unambiguous beginning', () => {
  for (const [text, id] of [
    ['a', 'a1'],
    ['A1', 'a1'],
    ['6f0e3a52-1', '6f0e3a52-1'],
    ['6F0E3A52-12', '6f0e3a52-12'],
    [' a1\n', 'a1'],
  ] as const) {
    assert.is(findRestorePoint(points, text).id, id, text);
  }
});

test('refuses what names none, or more than one', () => {
  for (const [text, message] of [
    ['', '(empty)'],
    ['b', 'among the 3'],
    ['6f0', '2 restore points begin with 6f0: 6f0e3a52-1 (db1), 6f0e3a52-12 (db1)'],
  ] as const) {
    try {
      findRestorePoint(points, text);
      assert.unreachable(text);
    } catch (error) {
      assert.ok(error instanceof FlashfreezeError, String(error));
      assert.is(error.code, 'FF_RESTORE_POINT_NOT_FOUND');
      assert.ok(error.message.includes(message), error.message);
    }
  }
});

test.run();
