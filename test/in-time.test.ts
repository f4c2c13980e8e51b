import * as assert from 'uvu/assert';
import { inTime } from './in-time.ts';
import { suite } from './suite.ts';

const test = suite('in time');

/** The limits that were tried, and the outcome, when those from `enoughS` on are enough. */
async function tryLimits(enoughS: number): Promise<{ tried: number[]; outcome: string }> {
  const tried: number[] = [];
  const outcome = await inTime(
    0.5,
    async (limitS) => {
      tried.push(limitS);
      return limitS < enoughS ? `too late with ${limitS}` : 'done';
    },
    (it) => it === 'done',
  );
  return { tried, outcome };
}

test('the first limit that is enough ends it', async () => {
  assert.equal(await tryLimits(0), { tried: [0.5], outcome: 'done' });
  assert.equal(await tryLimits(1), { tried: [0.5, 2], outcome: 'done' });
});

test('if none is enough, the last outcome is returned, for the test to judge', async () => {
  assert.equal(await tryLimits(100), { tried: [0.5, 2, 8], outcome: 'too late with 8' });
});

test.run();
