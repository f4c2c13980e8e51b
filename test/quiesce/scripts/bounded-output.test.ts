import * as assert from 'uvu/assert';
import { BoundedOutput } from '../../../src/quiesce/scripts/bounded-output.ts';
import { suite } from '../../suite.ts';

const test = suite('bounded output');

function outputOf(chunks: readonly string[], keptBytes = 16): string {
  const output = new BoundedOutput(keptBytes);
  for (const chunk of chunks) {
    output.add(Buffer.from(chunk));
  }
  return output.text();
}

const cases: readonly [name: string, chunks: readonly string[], text: string][] = [
  ['nothing', [], ''],
  ['a line', ['hello\n'], 'hello'],
  ['a line without its feed, in pieces', ['he', 'llo'], 'hello'],
  [
    'what just fits',
    ['0123456789\n', '0123456789\n', '0123456\n'],
    '0123456789\n0123456789\n0123456',
  ],
  [
    'beginning and end of more, in whole lines',
    ['first\nsecond\n', 'x'.repeat(100), '\nlast but one\nlast\n'],
    'first\nsecond\n… 114 bytes left out …\nlast',
  ],
  ['one endless line', ['x'.repeat(1_000)], '… 1000 bytes left out …'],
];

for (const [name, chunks, text] of cases) {
  test(`keeps ${name}`, () => {
    assert.is(outputOf(chunks), text);
  });
}

test('is the same however the text is cut into chunks', () => {
  const text = Array.from({ length: 200 }, (_, line) => `line ${line}`).join('\n');
  const whole = outputOf([text], 100);
  for (const size of [1, 7, 99, 100, 101, 1_000]) {
    const chunks = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
    assert.is(outputOf(chunks, 100), whole, `chunks of ${size}`);
  }
});

test('leaves no piece of a line that was cut: it could be half a secret', () => {
  const secret = 'A'.repeat(60);
  assert.not.match(outputOf([`ok\n${secret}\n${'.\n'.repeat(100)}${secret}\nend\n`], 40), 'A');
});

test.run();
