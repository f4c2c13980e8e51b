import * as assert from 'uvu/assert';
import { parseGuardianLine, toReport } from '../../src/freezer/guardian-report.ts';
import { suite } from '../suite.ts';

const test = suite('guardian report');

test('each line of the guardian is parsed, other lines are ignored', () => {
  assert.equal(
    ['ready 17', 'armed 123', 'thawed 4 567', 'failed 5 5', 'done deadline', 'error mmap 12'].map(
      parseGuardianLine,
    ),
    [
      { kind: 'ready' },
      { kind: 'armed', deadlineNs: 123n },
      { kind: 'thawed', fileSystem: 4, atNs: 567n },
      { kind: 'failed', fileSystem: 5, errno: 'EIO' },
      { kind: 'done', reason: 'deadline' },
      { kind: 'error', syscall: 'mmap', errno: 'ENOMEM' },
    ],
  );
  assert.equal(['not-frozen 1 2', 'done nonsense', ''].map(parseGuardianLine), [
    undefined,
    undefined,
    undefined,
  ]);
});

test('the report names what was thawed and what could not be', () => {
  const report = toReport(
    [
      { kind: 'thawed', fileSystem: 1, atNs: 5n },
      { kind: 'failed', fileSystem: 2, errno: 'EIO' },
      { kind: 'done', reason: 'worker-dead' },
    ],
    'lost',
  );
  assert.equal(report, {
    reason: 'worker-dead',
    thawed: [{ fileSystem: 1, atNs: 5n }],
    failed: [{ fileSystem: 2, errno: 'EIO' }],
  });
});

test('without its last line the guardian is lost, or not finished', () => {
  assert.is(toReport([], 'lost').reason, 'lost');
  assert.is(toReport([], 'unfinished').reason, 'unfinished');
});

test.run();
