import * as assert from 'uvu/assert';
import { DRILLS, type Drilled, judgeDrill } from '../../../bench/machines/drills/drills.ts';
import { suite } from '../../suite.ts';

const test = suite('drills of machines');

const DRILLED: Drilled = {
  ...{ name: 'guardian-killed', code: 125, said: 'guardian lost', later: [] },
  writers: [{ at: '/', longestMs: 900 }],
};

test('a drill is right if the run tells of it and every writer goes on in time', () => {
  assert.equal(judgeDrill(DRILLED), []);
  assert.equal(judgeDrill({ ...DRILLED, code: 0 }), ['guardian-killed: the run ended with 0']);
});

test('a run may succeed where the drill does not touch what was frozen', () => {
  assert.equal(judgeDrill({ ...DRILLED, name: 'disk-detached', code: 0 }), []);
});

test('a drill that leaves disks and processes alone must end with 0', () => {
  const unplugged: Drilled = { ...DRILLED, name: 'cpu-unplugged', said: 'time-out' };
  assert.equal(judgeDrill({ ...unplugged, code: 0 }), []);
  assert.equal(judgeDrill({ ...unplugged, code: 1 }), [
    'cpu-unplugged: the run ended with 1: time-out',
  ]);
});

test('a writer that waits too long, fails, or waits still is wrong', () => {
  const longestMs = DRILLS['guardian-killed'].mostMs + 1;
  const wrong: Drilled = {
    ...DRILLED,
    writers: [
      { at: '/a', longestMs },
      { at: '/b', longestMs: 1, error: 'EIO' },
    ],
    later: [{ at: '/c' }, { at: '/d', error: 'EROFS' }],
  };
  assert.equal(judgeDrill(wrong), [
    `guardian-killed: a write on /a took ${longestMs} ms`,
    'guardian-killed: a write on /b failed: EIO',
    'guardian-killed: a later write on /c: it does not end',
    'guardian-killed: a later write on /d: EROFS',
  ]);
});

test('on a lost disk writes may fail, but must end; on a slow one they may last, and go on afterwards', () => {
  const harmed: Drilled = {
    ...DRILLED,
    ...{ name: 'disk-detached', code: 0 },
    writers: [{ at: '/d/lun1', longestMs: 1, error: 'EIO' }],
    later: [{ at: '/d/lun1', error: 'EIO' }],
  };
  assert.equal(judgeDrill(harmed), []);
  assert.equal(judgeDrill({ ...harmed, later: [{ at: '/d/lun1' }] }), [
    'disk-detached: a later write on /d/lun1: it does not end',
  ]);
  const slow: Drilled = {
    ...{ ...harmed, name: 'disk-slow' },
    writers: [{ at: '/d/lun3', longestMs: DRILLS['disk-slow'].mostMs + 1 }],
  };
  assert.equal(judgeDrill({ ...slow, later: [] }), []);
  assert.equal(judgeDrill({ ...slow, later: [{ at: '/d/lun3', error: 'EROFS' }] }), [
    'disk-slow: a later write on /d/lun3: EROFS',
  ]);
});

test('the extension and a power cut must end well', () => {
  const failed: Drilled = { ...DRILLED, name: 'extension', code: 51, said: 'install' };
  assert.equal(judgeDrill(failed), ['extension: ended with 51: install']);
  assert.equal(judgeDrill({ ...failed, name: 'power-cut', code: 0 }), []);
});

test.run();
