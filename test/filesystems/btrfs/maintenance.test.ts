import * as assert from 'uvu/assert';
import {
  courseOf,
  LONG_OPERATIONS,
  longOperation,
  pausedOrNot,
  remedyFor,
  tellsPaused,
} from '../../../src/filesystems/btrfs/maintenance.ts';
import { suite } from '../../suite.ts';

const test = suite('long operations on a btrfs');

test('are those that hold writers out of a freeze', () => {
  const cases = [
    ['none', false, undefined],
    ['balance\n', false, 'balance'],
    ['balance paused', false, undefined],
    ['balance paused', true, 'scrub'],
    ['device add', false, 'device add'],
    ['device remove', false, 'device remove'],
    ['device replace', false, 'device replace'],
    ['resize', false, 'resize'],
    ['swap activate', false, undefined],
    ['none', true, 'scrub'],
    [undefined, true, 'scrub'],
    [undefined, false, undefined],
    ['something new', false, undefined],
  ] as const;
  for (const [text, isScrubbed, expected] of cases) {
    assert.is(longOperation(text, isScrubbed), expected, `${text}, ${isScrubbed}`);
  }
});

test('a balance is paused if btrfs(8) says so, whatever the kernel calls it', () => {
  const cases = [
    ['balance', "Balance on '/d' is paused\n0 out of about 3 chunks balanced\n", 'balance paused'],
    ['balance', "Balance on '/d' is running, pause requested\n0 out of about 3\n", 'balance'],
    ['balance', "Balance on '/is paused' is running\n0 out of about 3\n", 'balance'],
    ['balance', "No balance found on '/d'\n", 'balance'],
    ['balance', '', 'balance'],
    ['none', '', 'none'],
    [undefined, '', undefined],
  ] as const;
  for (const [exclusive, status, expected] of cases) {
    assert.is(pausedOrNot(exclusive, status), expected, `${exclusive}, ${status}`);
  }
});

test('kernels tell of a paused balance since 5.17', () => {
  for (const release of ['5.10.46', '5.15.0-1071-azure', '4.18.0-553.el8.x86_64']) {
    assert.not.ok(tellsPaused(release), release);
  }
  for (const release of ['5.17.0', '6.1.176', '7.2-rc1']) {
    assert.ok(tellsPaused(release), release);
  }
});

test('only a balance is ever paused, and only where that is wanted', () => {
  for (const operation of LONG_OPERATIONS) {
    assert.is(courseOf(operation, 'ignore'), 'ignore');
    assert.is(courseOf(operation, 'refuse'), 'refuse');
    assert.is(
      courseOf(operation, 'pauseBalance'),
      operation === 'balance' ? 'pause' : 'refuse',
      operation,
    );
  }
});

test('each has a line for people with its mount point', () => {
  for (const operation of LONG_OPERATIONS) {
    assert.match(remedyFor({ mountPoint: '/data', fsid: 'x', operation }), ' /data');
  }
});

test.run();
