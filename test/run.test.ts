import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from './suite.ts';
import { parseUvuTotals } from './uvu-totals.ts';

const test = suite('test runner');

test('reads the totals of a uvu run', () => {
  assert.equal(parseUvuTotals('x\n  Total:     3\n  Passed:    2\n  Skipped:   1\n'), {
    total: 3,
    passed: 2,
  });
});

test('has no totals where the summary is missing, as in a file that crashed', () => {
  assert.is(parseUvuTotals('Segmentation fault'), undefined);
});

test('refuses a filter that names no file, also beside one that does', () => {
  for (const filters of [['no-such-file'], ['run.test.ts', 'no-such-file']]) {
    const runner = [join(import.meta.dirname, 'run.ts'), ...filters];
    const { status, stdout, stderr } = spawnSync(process.execPath, runner, { encoding: 'utf8' });
    assert.equal([status, stdout], [2, '']);
    assert.match(stderr, /^no test file has "no-such-file" in its name; expected .*\n$/);
  }
});

test.run();
