import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { firstLineOf, outputOf } from '../../src/system/run-program.ts';
import { suite } from '../suite.ts';

const test = suite('programs that are asked');

test('a program prints, fails, or does not exist', async () => {
  assert.is(await outputOf('sh', ['-c', 'echo a; echo $TZ']), 'a\nUTC\n');
  assert.is(await firstLineOf('sh', ['-c', 'echo a; echo b']), 'a');
  assert.is(await outputOf('sh', ['-c', 'echo a; exit 1']), undefined);
  assert.is(await outputOf('no-such-program', []), undefined);
});

test('one that does not exist leaves nothing behind that keeps the process alive', async () => {
  const module = JSON.stringify(join(import.meta.dirname, '../../src/system/run-program.ts'));
  const script = `
    import { outputOf } from ${module};
    await outputOf('no-such-program', []);
    console.log(process.getActiveResourcesInfo().filter((it) => it === 'Timeout').length);`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--input-type=module', '--eval', script],
  ]);
  assert.is(stdout.trim(), '0');
});

test.run();
