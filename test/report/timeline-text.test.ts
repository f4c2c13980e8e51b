import * as assert from 'uvu/assert';
import { timelineLines } from '../../src/report/timeline-text.ts';
import { suite } from '../suite.ts';
import { busyRecord, runOf } from './fixtures/runs.ts';

const test = suite('timeline as text');

test('is everything in order, since the first freeze', () => {
  const { timeline } = runOf(busyRecord(1));
  assert.ok(timeline !== null);
  assert.equal(timelineLines(timeline), [
    ' -500.000 ms  /data/0: flushes',
    ' -400.000 ms  /data/0: flushed',
    '    0.000 ms  /data/0: freezes',
    '    2.000 ms  /data/0: frozen',
    '    9.000 ms  everything is frozen',
    '   10.000 ms  /dev/sda: request',
    '   28.000 ms  /dev/sda: answer',
    '   30.000 ms  /data/0: thaws',
    '   31.000 ms  /data/0: thawed',
  ]);
});

test('says what failed, and is empty if nothing happened', () => {
  const { timeline } = runOf(busyRecord(4));
  assert.ok(timeline !== null);
  assert.match(timelineLines(timeline).join('\n'), '/dev/sdd: failed (no complete answer');
  assert.equal(timelineLines({ ...timeline, fileSystems: [], disks: [], barrierMs: null }), []);
});

test.run();
