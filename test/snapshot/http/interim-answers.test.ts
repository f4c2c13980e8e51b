import * as assert from 'uvu/assert';
import { InterimAnswers } from '../../../src/snapshot/http/interim-answers.ts';
import { suite } from '../../suite.ts';

const test = suite('interim answers');

const FINAL = 'HTTP/1.1 201 Created\r\nx-ms-snapshot: 1\r\n\r\n';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

function passed(answers: InterimAnswers, text: string, size: number): string {
  const bytes = Buffer.from(text, 'latin1');
  const count = Math.ceil(bytes.length / size);
  const pieces = Array.from({ length: count }, (_, index) =>
    answers.withoutInterim(bytes.subarray(index * size, (index + 1) * size)),
  );
  return Buffer.concat(pieces).toString('latin1');
}

const TAKEN_OUT: readonly [name: string, before: string][] = [
  ['nothing', ''],
  ['a 100', CONTINUE],
  ['a 103 with headers', 'HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n'],
  ['several', `HTTP/1.0 102 Processing\r\n\r\n${CONTINUE}${CONTINUE}`],
];

for (const [name, before] of TAKEN_OUT) {
  test(`${name} before the answer is taken out, however the bytes arrive`, () => {
    for (const size of [1, 2, 7, 11, 12, 13, 1_000]) {
      assert.is(passed(new InterimAnswers(), before + FINAL, size), FINAL, `pieces of ${size}`);
    }
  });
}

const PASSED_ON: readonly [name: string, text: string][] = [
  ['an answer 101, which is final', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
  ['something that is not HTTP', '220 mail.example ESMTP\r\n'],
  ['an interim answer in the body', `${FINAL}${CONTINUE}`],
  ['a head without end', `HTTP/1.1 100 ${'x'.repeat(17 * 1_024)}`],
];

for (const [name, text] of PASSED_ON) {
  test(`${name} is passed on`, () => {
    for (const size of [1, 12, 100_000]) {
      assert.is(passed(new InterimAnswers(), text, size), text, `pieces of ${size}`);
    }
  });
}

test('each request may get interim answers', () => {
  const answers = new InterimAnswers();
  for (const size of [1_000, 3]) {
    answers.requestSent();
    assert.is(passed(answers, CONTINUE + FINAL, size), FINAL);
  }
});

test.run();
