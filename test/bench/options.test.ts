import * as assert from 'uvu/assert';
import { count, diskCounts, milliseconds, slowDisks } from '../../bench/options.ts';
import { suite } from '../suite.ts';

const test = suite('bench options');

test('numbers of disks are separated by commas', () => {
  assert.equal(diskCounts('4,16,64'), [4, 16, 64]);
  assert.equal(diskCounts('1'), [1]);
});

test('slow disks are so many and so slow', () => {
  assert.equal(slowDisks('1:2000'), { disks: 1, latencyMs: 2000 });
});

test('what is not understood is refused with what was expected', () => {
  for (const [parse, text] of [
    [diskCounts, '4,,16'],
    [diskCounts, '0'],
    [diskCounts, '257'],
    [slowDisks, '2000'],
    [slowDisks, '0:2000'],
    [count, '1.5'],
    [count, '-1'],
    [milliseconds, 'soon'],
  ] as const) {
    assert.throws(() => parse(text), /Expected|at most/, text);
  }
});

test.run();
