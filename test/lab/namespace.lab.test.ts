import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { tryCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';
import type { View } from './fixtures/look-around.ts';

const test = suite('lab namespace');
const LOOK_AROUND = join(import.meta.dirname, 'fixtures/look-around.ts');
const ARGUMENTS = ['plain', 'two words', '--option=$HOME'];
/** Looking changes nothing, so every test reads the same view. */
const seen = lookAround(ARGUMENTS);

test('shows no file system of the machine that could be frozen', async () => {
  const { view } = await seen;
  assert.equal(
    view.types.some((type) => /^(ext[234]|xfs|btrfs)$/.test(type)),
    false,
  );
  assert.ok(view.types.includes('overlay'));
  assert.equal(view.freezeAnswers.includes('frozen'), false);
});

test('keeps what is written inside from the machine', async () => {
  const { file } = await seen;
  assert.equal(existsSync(file), false);
});

test('has loopback as its only network and its own certificate authority', async () => {
  const { view } = await seen;
  assert.deepEqual(view.interfaces, ['lo']);
  assert.equal(view.authority, '/lab/tls/ca.pem');
});

test('runs the script with its arguments and directory and passes its exit code on', async () => {
  const { view, code } = await seen;
  assert.deepEqual(view.args, ARGUMENTS);
  assert.equal(view.workingDirectory, process.cwd());
  assert.equal(view.pidOfParent, 1);
  assert.equal(code, 9);
});

test('is refused with a clear error to a process that may not unshare', async () => {
  const script = [process.execPath, LOOK_AROUND, '/tmp/never-written'];
  const asNobody = await tryCommand('setpriv', ['--reuid', '65534', ...script]);
  assert.match(asNobody.stderr, /FF_NOT_ROOT/);
  const withoutCapability = await tryCommand('setpriv', [
    ...['--bounding-set', '-sys_admin', ...script],
  ]);
  assert.match(withoutCapability.stderr, /FF_LAB_UNAVAILABLE/);
  assert.notEqual(withoutCapability.code, 0);
});

interface Outcome {
  readonly view: View;
  readonly code: number | null;
  /** Written inside, in the checkout. */
  readonly file: string;
}

async function lookAround(args: readonly string[]): Promise<Outcome> {
  const file = join(import.meta.dirname, `written-${randomUUID()}`);
  const child = spawn(process.execPath, [LOOK_AROUND, file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { view: JSON.parse(output) as View, code, file };
}

test.run();
