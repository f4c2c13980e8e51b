import * as assert from 'uvu/assert';
import type { LoopDevice } from '../../src/lab/loop-devices.ts';
import { loopsOn } from '../../src/lab/removal.ts';
import { suite } from '../suite.ts';

const test = suite('loop devices of a lab');

const loop = (name: string, number: string, imageOn: string): LoopDevice => ({
  ...{ name, number, imageOn },
  partitions: [],
});

const IN_IMAGE = loop('/dev/loop2', '7:2', '7:0');
const ON_TMPFS = loop('/dev/loop0', '7:0', '0:50');
const ON_BTRFS = loop('/dev/loop3', '7:3', '0:57');
const ELSEWHERE = loop('/dev/loop4', '7:4', '0:60');

test('are those with an image on a file system of the lab, or in such an image', () => {
  const all = [IN_IMAGE, ON_BTRFS, ELSEWHERE, ON_TMPFS];
  assert.equal(loopsOn(new Set(['0:50', '0:57']), all), [ON_BTRFS, ON_TMPFS, IN_IMAGE]);
});

test('a number that the lab’s loop device had before another lab has it proves nothing', () => {
  const others = loop('/dev/loop0', '7:0', '0:60');
  assert.equal(loopsOn(new Set(['0:50']), [others, IN_IMAGE]), []);
});

test.run();
