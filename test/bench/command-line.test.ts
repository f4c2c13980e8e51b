import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { tryCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';

const test = suite('command lines of the benchmarks that are refused');
const MAIN = join(import.meta.dirname, '../../bench/main.ts');
const REAL = ['window', '--real', '--blobs-from'];

/** Nothing is measured, and nothing asked. */
async function refusal(...args: string[]): Promise<string> {
  const { code, stderr } = await tryCommand(process.execPath, [MAIN, ...args]);
  assert.is(code, 2, stderr);
  assert.match(stderr, '(FF_USAGE)');
  assert.not.match(stderr, '    at ');
  return stderr;
}

test('a file of blobs that is not there, or holds none, is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-bench-options-'));
  try {
    assert.match(await refusal(...REAL, join(folder, 'none')), 'ENOENT');
    const empty = join(folder, 'empty');
    await writeFile(empty, '# no URL\n');
    const said = await refusal(...REAL, empty);
    assert.match(said, 'holds no URL');
    assert.not.match(said, 'This freezes');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a URL in the wrong place keeps its signature to itself', async () => {
  const said = await refusal('window', 'https://acct.blob.core.windows.net/c/b?sig=verysecret');
  assert.not.match(said, 'verysecret');
});

test.run();
