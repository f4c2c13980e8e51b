import * as assert from 'uvu/assert';
import {
  ACCOUNTS,
  type Acknowledged,
  FIRST_BALANCE,
} from '../../../src/lab/databases/transfers.ts';
import { suite } from '../../suite.ts';
import { type Contents, judgeContents } from './judge-database.ts';

const test = suite('judgement of a database snapshot');

/** One transaction every 10 ms, acknowledged 5 ms after it was sent. */
const HISTORY: readonly Acknowledged[] = Array.from({ length: 20 }, (_, index) => ({
  sequence: index + 1,
  sentMs: index * 10,
  acknowledgedMs: index * 10 + 5,
}));
/** Between number 10 (acknowledged at 95) and number 11 (sent at 100). */
const BARRIER_MS = 97.5;

function contents(last: number, changes: Partial<Contents> = {}): Contents {
  return {
    sum: ACCOUNTS * FIRST_BALANCE,
    wrongAccounts: 0,
    writers: [{ writer: 0, last, count: last }],
    ...changes,
  };
}

test('exactly what was before is right', () => {
  assert.equal(judgeContents(contents(10), [HISTORY], BARRIER_MS), []);
});

test('what was under way may be there or not', () => {
  for (const last of [9, 10]) {
    assert.equal(judgeContents(contents(last), [HISTORY], 93), []);
  }
});

const wrong: readonly [string, Contents, string][] = [
  ['one that was acknowledged is missing', contents(9), 'is the last there'],
  ['nothing is there', contents(0, { writers: [] }), 'is the last there'],
  ['one that came later is there', contents(11), 'sent after'],
  [
    'one in between is missing',
    contents(10, { writers: [{ writer: 0, last: 10, count: 9 }] }),
    '9 tr',
  ],
  ['money is lost', contents(10, { sum: 39_999 }), 'sum up to 39999'],
  ['an account disagrees', contents(10, { wrongAccounts: 1 }), '1 accounts'],
];

for (const [name, found, words] of wrong) {
  test(`finds out where ${name}`, () => {
    assert.match(judgeContents(found, [HISTORY], BARRIER_MS).join('\n'), words);
  });
}

test.run();
