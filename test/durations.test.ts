import * as assert from 'uvu/assert';
import { Durations } from './durations.ts';
import { suite } from './suite.ts';

const test = suite('order of the test files');

test('the longest come first, before them those of unknown length, else the order stays', () => {
  const durations = new Durations({ 'a.test.ts': 2, 'b.test.ts': 30, 'c.test.ts': 2 });
  durations.add('e.test.ts', 200);
  assert.equal(
    durations.longestFirst(['a.test.ts', 'b.test.ts', 'c.test.ts', 'd.test.ts', 'e.test.ts']),
    ['d.test.ts', 'e.test.ts', 'b.test.ts', 'a.test.ts', 'c.test.ts'],
  );
});

test.run();
