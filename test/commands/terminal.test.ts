import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { logLevelOf } from '../../src/commands/run-options.ts';
import { wantsColors } from '../../src/report/colors.ts';
import { suite } from '../suite.ts';
import { MAIN } from './command-line.ts';

const test = suite('terminal');

/** What doctor, which freezes nothing, prints in an environment. */
async function printed(environment: Readonly<Record<string, string>>): Promise<string> {
  const { NO_COLOR: _no, FORCE_COLOR: _force, CI: _ci, ...rest } = process.env;
  const child = spawn(process.execPath, [MAIN, 'doctor'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...rest, ...environment },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await once(child, 'close');
  return output;
}

test('colours are for terminals, and NO_COLOR has the last word', async () => {
  assert.not.match(await printed({}), '\x1b[');
  assert.not.match(await printed({ CI: 'true' }), '\x1b[');
  assert.match(await printed({ FORCE_COLOR: '1' }), '\x1b[');
  assert.not.match(await printed({ FORCE_COLOR: '1', NO_COLOR: '1' }), '\x1b[');
});

test('what a terminal gets', () => {
  assert.is(wantsColors({}, true), true);
  assert.is(wantsColors({ TERM: 'dumb' }, true), false);
  assert.is(wantsColors({ NO_COLOR: '1' }, true), false);
  assert.is(wantsColors({ NO_COLOR: '' }, true), true);
  assert.is(wantsColors({ TERM: 'dumb', FORCE_COLOR: '1' }, true), true);
  assert.is(wantsColors({ CI: 'true' }, false), false);
});

test('quiet leaves warnings, verbose adds to the rest, both at once is refused', () => {
  assert.is(logLevelOf({ settle: true }), 'info');
  assert.is(logLevelOf({ settle: true, quiet: true }), 'warning');
  assert.is(logLevelOf({ settle: true, verbose: true }), 'verbose');
  assert.throws(
    () => logLevelOf({ settle: true, quiet: true, verbose: true }),
    /expected only one of them/,
  );
});

test.run();
