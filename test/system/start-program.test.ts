import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { startProgram } from '../../src/system/start-program.ts';
import { suite } from '../suite.ts';

const test = suite('start of programs');

test('a program that runs has its streams, and has printed nothing yet', async () => {
  const child = await startProgram('/bin/sh', ['-c', 'echo here'], { stdio: 'pipe' });
  const chunks = await child.stdout?.toArray();
  assert.is(Buffer.concat(chunks ?? []).toString(), 'here\n');
});

test('a program that is not there, and arguments that are too long, are rejections', async () => {
  for (const [program, args, code] of [
    ['/nowhere/program', [], 'ENOENT'],
    ['/bin/true', ['x'.repeat(1 << 20)], 'E2BIG'],
  ] as const) {
    try {
      await startProgram(program, args, {});
      assert.unreachable(code);
    } catch (error) {
      assert.is((error as NodeJS.ErrnoException).code, code);
    }
  }
});

test('without free descriptors no program starts, and nothing ends the process: each caller says so', async () => {
  const fixture = join(import.meta.dirname, 'fixtures/few-descriptors.ts');
  const { stdout } = await promisify(execFile)('prlimit', [
    ...['--nofile=64:64', process.execPath, fixture],
  ]);
  assert.equal(JSON.parse(stdout), {
    startProgram: ['rejected EMFILE', 'true'],
    runScript: ['{"kind":"not-started","errno":"EMFILE"}', '{"kind":"exited","exitCode":0}'],
    runOpenssl: ['"broken"', '"done"'],
    pauseBalance: ['"undefined"'],
    resumeBalance: ['"undefined"'],
    readUsedBytes: ['"undefined"', '"number"'],
    readDiskHeads: ['[false]', '[true]'],
    stillRuns: ['true'],
    heldCommand: ['rejected FF_LIMIT_REACHED', '"held"'],
  });
});

test.run();
