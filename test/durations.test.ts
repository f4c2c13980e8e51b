import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Durations, LONG_ONES } from './durations.ts';
import { suite } from './suite.ts';

const test = suite('order of the test files');

test('the longest come first, those of unknown length before the short ones, else the order stays', () => {
  const durations = new Durations({ 'a.test.ts': 2, 'b.test.ts': 31, 'c.test.ts': 2 });
  durations.add('e.test.ts', 200);
  assert.equal(
    durations.longestFirst(['a.test.ts', 'b.test.ts', 'c.test.ts', 'd.test.ts', 'e.test.ts']),
    ['e.test.ts', 'b.test.ts', 'd.test.ts', 'a.test.ts', 'c.test.ts'],
  );
});

test('in a checkout without a record, the files that take long come first all the same', () => {
  const [first] = Object.keys(LONG_ONES);
  assert.equal(new Durations({}).longestFirst(['a.test.ts', first ?? '']), [first, 'a.test.ts']);
  assert.equal(
    Object.keys(LONG_ONES).filter((name) => !existsSync(join(import.meta.dirname, name))),
    [],
  );
});

test.run();
