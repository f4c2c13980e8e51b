import * as assert from 'uvu/assert';
import { redactionOfCommand, reportError } from '../../src/commands/exit.ts';
import { FlashfreezeError } from '../../src/errors.ts';
import { suite } from '../suite.ts';

const test = suite('the error that ends a command');

/** What it writes to standard output and standard error. */
function written(work: () => void): string {
  const { stdout, stderr } = process;
  const before = [stdout.write, stderr.write] as const;
  let text = '';
  const keep = (piece: unknown): boolean => {
    text += String(piece);
    return true;
  };
  stdout.write = keep;
  stderr.write = keep;
  try {
    work();
  } finally {
    [stdout.write, stderr.write] = before;
  }
  return text;
}

test('is told without what the command knows to be secret', () => {
  redactionOfCommand().add('hush1234');
  const error = new FlashfreezeError('FF_QUIESCE_FAILED', 'psql: FATAL: no hush1234');
  for (const each of [error, new Error('no hush1234')]) {
    for (const asJson of [false, true]) {
      const text = written(() => reportError(each, asJson));
      assert.match(text, 'no REDACTED');
      assert.not.match(text, 'hush1234');
    }
  }
});

test.run();
