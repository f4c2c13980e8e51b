import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { enterLab } from '../../src/lab/namespace.ts';
import { requireLabCommands } from '../../src/lab/requirements.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';

await enterLab();

const test = suite('lab requirements');

test('are there on a machine that runs the lab', async () => {
  await requireLabCommands();
});

test('are named by package where they are missing and cannot be installed', async () => {
  // Inside the lab there is no network, and only the lab loses the program.
  const program = await runCommand('sh', ['-c', 'readlink -f "$(command -v mkfs.xfs)"']);
  rmSync(program);
  await assert.rejects(requireLabCommands(), {
    code: 'FF_LAB_UNAVAILABLE',
    message: /Debian packages xfsprogs .*apt-get install xfsprogs/s,
  });
});

test.run();
