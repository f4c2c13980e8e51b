import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  awaitSurvivingScripts,
  survivingScripts,
} from '../../../src/quiesce/scripts/surviving-script.ts';
import { suite } from '../../suite.ts';

const test = suite('surviving script');

interface Survivor extends AsyncDisposable {
  readonly path: string;
  readonly child: ChildProcess;
}

/** A script as a dead process leaves it: in a session of its own. */
async function survivor(body: string): Promise<Survivor> {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-survivor-'));
  const path = join(folder, 'post.sh');
  await writeFile(path, `#!/bin/sh\n${body}\n`, { mode: 0o700 });
  const child = spawn(path, [], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, FLASHFREEZE_SCRIPT: path },
  });
  await once(child, 'spawn');
  return {
    path,
    child,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await rm(folder, { recursive: true });
    },
  };
}

test('nothing that runs is waited for', async () => {
  assert.is(await awaitSurvivingScripts('/no/such/script', 60_000), undefined);
});

test('one that ends in time is awaited', async () => {
  await using script = await survivor('sleep 1\nexit 7');
  const exited = once(script.child, 'exit');
  assert.equal(await survivingScripts(script.path), [script.child.pid]);
  assert.is(await awaitSurvivingScripts(script.path, 60_000), 'awaited');
  assert.equal(await exited, [7, null]);
});

test('one that does not is ended', async () => {
  await using script = await survivor('sleep 600\nexit 7');
  const exited = once(script.child, 'exit');
  assert.is(await awaitSurvivingScripts(script.path, 100), 'ended');
  assert.equal(await exited, [null, 'SIGTERM']);
  assert.equal(await survivingScripts(script.path), []);
});

test.run();
