import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';

const test = suite('signals of a command');

const SIGNALS = join(import.meta.dirname, '../../src/commands/signals.ts');
/** Ends by itself after the first signal, with enough memory that the end takes a while. */
const COMMAND = `
  import { abortOnSignals } from ${JSON.stringify(SIGNALS)};
  const aborted = abortOnSignals();
  const memory = Array.from({ length: 1_000_000 }, (_, index) => ({ index }));
  process.stdout.write('ready\\n');
  const waiting = setTimeout(() => {}, 60_000);
  aborted.signal.addEventListener('abort', () => {
    clearTimeout(waiting);
    process.stdout.write('ended ' + memory.length);
    process.exitCode = aborted.exitCode;
  });
`;

test('further signals do not replace the exit code, however late they come', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', COMMAND], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  let repeated: NodeJS.Timeout | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    repeated ??= setInterval(() => child.kill('SIGTERM'), 1);
  });
  const ended = await once(child, 'close');
  clearInterval(repeated);
  assert.equal(ended, [143, null]);
  assert.match(output, 'ended 1000000');
});

test.run();
