import * as assert from 'uvu/assert';
import { count, diskCounts, milliseconds, slowDisks } from '../../bench/options.ts';
import { managedDisks, slowWholeSeconds, wholeSeconds } from '../../bench/scenarios/managed.ts';
import { suite } from '../suite.ts';

const test = suite('bench options');

test('numbers of disks are separated by commas', () => {
  assert.equal(diskCounts('4,16,64'), [4, 16, 64]);
  assert.equal(diskCounts('1'), [1]);
});

test('slow disks are so many and so slow', () => {
  assert.equal(slowDisks('1:2000'), { disks: 1, latencyMs: 2000 });
});

test('operations of managed disks take whole seconds', () => {
  assert.equal(wholeSeconds('1,3,10'), [1, 3, 10]);
  assert.equal(slowWholeSeconds('2:3000'), { disks: 2, latencyMs: 3000 });
  assert.is(managedDisks('65'), 65);
});

test('what is not understood is refused with what was expected', () => {
  for (const [parse, text] of [
    [diskCounts, '4,,16'],
    [diskCounts, '0'],
    [diskCounts, '257'],
    [slowDisks, '2000'],
    [slowDisks, '0:2000'],
    [slowWholeSeconds, '1:2500'],
    [slowWholeSeconds, '1:0'],
    [wholeSeconds, '1,0.5'],
    [managedDisks, '66'],
    [count, '1.5'],
    [count, '-1'],
    [milliseconds, 'soon'],
  ] as const) {
    assert.throws(() => parse(text), /Expected|at most/, text);
  }
});

test.run();
