import { getHeapSpaceStatistics } from 'node:v8';
import * as assert from 'uvu/assert';
import {
  touchYoungGeneration,
  youngGarbageCollector,
  youngGenerationIsHalfFull,
} from '../../src/system/garbage.ts';
import { suite } from '../suite.ts';

const test = suite('garbage');
const WORDS = 1_024;

function youngSpace(): { readonly size: number; readonly inMemory: number } {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  return { size: space?.space_size ?? 0, inMemory: space?.physical_space_size ?? 0 };
}

/** Makes garbage until the young generation is half full. @returns false if it is not, however much is made */
function fillsHalf(): boolean {
  for (let bytes = 0; bytes < youngSpace().size; bytes += 8 * WORDS) {
    new Array<undefined>(WORDS).at(0);
    if (youngGenerationIsHalfFull()) {
      return true;
    }
  }
  return false;
}

test('garbage fills the young generation, and a collection empties it', () => {
  const collect = youngGarbageCollector();
  collect();
  assert.is(youngGenerationIsHalfFull(), false);
  assert.is(fillsHalf(), true);
  collect();
  assert.is(youngGenerationIsHalfFull(), false);
});

test('afterwards the kernel has given memory to all of the young generation', () => {
  touchYoungGeneration();
  const { size, inMemory } = youngSpace();
  assert.ok(inMemory > 0.9 * size, `${inMemory} of ${size} bytes`);
});

test.run();
