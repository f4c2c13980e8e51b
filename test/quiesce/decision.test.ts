import * as assert from 'uvu/assert';
import { courseAfter, verdictWith } from '../../src/quiesce/decision.ts';
import type { Course, Finding } from '../../src/quiesce/quiesce-types.ts';
import type { Consistency, ResultCode } from '../../src/result-codes.ts';
import { suite } from '../suite.ts';

const test = suite('application decision');

function finding(code: ResultCode, tolerated: boolean): Finding {
  return { code, message: `finding ${code}`, tolerated };
}

const courses: readonly [string, readonly Finding[], boolean, Course][] = [
  ['all went well', [], true, 'freeze'],
  ['all went well and no freeze is wanted then', [], false, 'no-freeze'],
  ['a tolerated failure', [finding(300, true)], true, 'freeze'],
  ['a tolerated failure where success would need no freeze', [finding(509, true)], false, 'freeze'],
  ['a failure that is not tolerated', [finding(300, false)], true, 'stop'],
  ['the same where no freeze is wanted', [finding(300, false)], false, 'stop'],
  ['a tolerated one and one that is not', [finding(300, true), finding(308, false)], true, 'stop'],
];

for (const [name, findings, freezeAfterSuccess, course] of courses) {
  test(`${name}: ${course}`, () => {
    assert.is(courseAfter(findings, freezeAfterSuccess), course);
  });
}

type Verdict = readonly [Consistency, ResultCode];
const FILE_SYSTEM: Verdict = ['fileSystemConsistent', 1];
const APPLICATION: Verdict = ['applicationConsistent', 0];
const CRASH: Verdict = ['crashConsistent', 1];

const verdicts: readonly [string, Verdict, readonly Finding[] | undefined, Verdict][] = [
  ['no application', FILE_SYSTEM, undefined, FILE_SYSTEM],
  ['no application and no freeze', CRASH, undefined, CRASH],
  ['everything succeeded', FILE_SYSTEM, [], APPLICATION],
  ['quiesced without a freeze', CRASH, [], APPLICATION],
  ['a tolerated pre-script', FILE_SYSTEM, [finding(308, true)], ['fileSystemConsistent', 308]],
  ['a tolerated database', FILE_SYSTEM, [finding(505, true)], ['fileSystemConsistent', 505]],
  [
    'two: the first one tells',
    FILE_SYSTEM,
    [finding(300, true), finding(301, true)],
    ['fileSystemConsistent', 300],
  ],
  ['a post-script that is not tolerated', FILE_SYSTEM, [finding(301, false)], ['none', 301]],
  [
    'one of each: the grave one tells',
    FILE_SYSTEM,
    [finding(300, true), finding(309, false)],
    ['none', 309],
  ],
  ['a failed freeze keeps its code', ['none', 121], [], ['none', 121]],
  ['a failed freeze and a failed script', ['none', 122], [finding(300, true)], ['none', 122]],
  ['a failed snapshot and a grave finding', ['none', 761], [finding(301, false)], ['none', 761]],
];

for (const [name, [consistency, code], findings, [expected, expectedCode]] of verdicts) {
  test(`${name}: ${expected}, code ${expectedCode}`, () => {
    const application = findings === undefined ? undefined : { findings };
    assert.equal(verdictWith({ consistency, code }, application), {
      consistency: expected,
      code: expectedCode,
    });
  });
}

test.run();
