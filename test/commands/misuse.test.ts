import * as assert from 'uvu/assert';
import { describeMisuse } from '../../src/commands/misuse.ts';
import { suite } from '../suite.ts';
import { flashfreeze } from './command-line.ts';

const test = suite('command lines that are refused');
const URL = 'https://acct.blob.core.windows.net/vhds/os.vhd?sp=rw&sig=verysecret%3D';

for (const [name, args] of [
  ['a URL without --blob', ['snapshot', URL]],
  ['a URL behind a misspelt option', ['snapshot', `--blbo=${URL}`]],
  ['a URL in the place of a command', [URL]],
  ['a URL in the place of a choice', ['schema', URL]],
  ['a URL too many', ['snapshots', 'list', '--container', URL, URL]],
] as const) {
  test(`${name}: exit code 2, and its signature is not repeated`, async () => {
    const { exitCode, stdout, stderr } = await flashfreeze(args);
    assert.is(exitCode, 2);
    assert.match(stderr, '(FF_USAGE)');
    assert.not.match(`${stdout}${stderr}`, 'verysecret');
  });
}

test('is said in one line, with the right word and the code', () => {
  assert.is(
    describeMisuse("error: unknown option '--blbo'\n(Did you mean --blob?)\n"),
    "flashfreeze: unknown option '--blbo' (Did you mean --blob?) (FF_USAGE)\n",
  );
});

test('a value that no option takes is not repeated: it may belong to a command with a password', () => {
  for (const [text, expected] of [
    [
      "error: unknown option '--notfy=/x hush1234'\n(Did you mean --notify?)\n",
      "flashfreeze: unknown option '--notfy' (Did you mean --notify?) (FF_USAGE)\n",
    ],
    [
      "error: unknown option '--notfy=/x\nhush1234'\n",
      "flashfreeze: unknown option '--notfy' (FF_USAGE)\n",
    ],
    [
      "error: too many arguments for 'snapshot'. Expected 0 arguments but got 2: x, hush1234.\n",
      "flashfreeze: too many arguments for 'snapshot'. Expected 0 arguments but got 2 (FF_USAGE)\n",
    ],
  ] as const) {
    assert.is(describeMisuse(text), expected);
  }
});

test.run();
