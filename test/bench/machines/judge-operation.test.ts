import * as assert from 'uvu/assert';
import { judgeOperation } from '../../../bench/machines/judge-operation.ts';
import type { Seen } from '../../../bench/machines/stages.ts';
import { suite } from '../../suite.ts';

const test = suite('operations in machines');

const SEEN: Seen = {
  states: ['running 3 %', 'running 4 %', 'ended'],
  warnings: [{ id: 'moving-data', finding: 'a reshape runs' }],
  runMs: 900,
};

/** What a run of one disk ends with. */
const end = (consistency: string, windowMs = 12) => ({
  code: consistency === 'fileSystemConsistent' ? 0 : 1,
  stdout: JSON.stringify({
    ...{ consistency, restorable: true, windowMs: { max: windowMs }, problems: ['it wrote'] },
    disks: [
      {
        blob: 'https://x/ubda',
        device: '/dev/ubda',
        showsInstant: consistency === 'fileSystemConsistent',
      },
    ],
  }),
  stderr: '',
});
const CONSISTENT = end('fileSystemConsistent');
const TORN = end('crashConsistent');
const REFUSED = { code: 1, stdout: '', stderr: 'FF_BTRFS_BUSY' };

for (const [expects, snapshot, isRight, isClaimed] of [
  ['consistent', CONSISTENT, true, true],
  ['consistent', TORN, false, false],
  ['consistent', REFUSED, false, false],
  ['not-shown', TORN, true, false],
  ['not-shown', CONSISTENT, true, true],
  ['not-shown', REFUSED, false, false],
  ['refused', REFUSED, true, false],
  ['refused', end('none', 0), true, false],
  ['refused', CONSISTENT, false, true],
  ['refused', TORN, false, false],
] as const) {
  test(`expected ${expects}, ended with ${snapshot.stdout || snapshot.stderr}`, () => {
    const judged = judgeOperation({ expects }, snapshot, SEEN);
    assert.is(judged.problems.length === 0, isRight, judged.problems.join());
    assert.is(judged.isClaimed, isClaimed);
  });
}

test('an operation must be under way, and doctor must tell of it', () => {
  const operation = { expects: 'not-shown', foretold: 'moving-data' } as const;
  const problems = (change: Partial<Seen>): readonly string[] =>
    judgeOperation(operation, TORN, { ...SEEN, ...change }).problems;
  assert.equal(problems({}), []);
  assert.equal(problems({ states: ['ended'] }), ['the operation did not run: ended']);
  assert.equal(problems({ warnings: [] }), ['doctor does not warn of it as moving-data']);
  assert.is(judgeOperation(operation, TORN, undefined).problems.length, 2);
  const over = { ...SEEN, states: ['running', 'ended'] };
  assert.equal(judgeOperation(operation, TORN, over).problems, []);
  const why = ['the operation did not run: running, then ended'];
  assert.equal(judgeOperation(operation, CONSISTENT, over).problems, why);
});

test.run();
