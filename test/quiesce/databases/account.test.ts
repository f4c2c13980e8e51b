import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { lookUpAccount } from '../../../src/quiesce/databases/account.ts';
import { DatabaseFault } from '../../../src/quiesce/databases/fault.ts';
import { suite } from '../../suite.ts';

const test = suite('accounts');

/** Until disposed, getent is this shell script. */
async function withGetent(body: string): Promise<AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'getent-'));
  const program = join(directory, 'getent');
  await writeFile(program, `#!/bin/sh\n${body}\n`);
  await chmod(program, 0o755);
  const path = process.env.PATH;
  process.env.PATH = `${directory}:${path}`;
  return {
    [Symbol.asyncDispose]: async () => {
      process.env.PATH = path;
      await rm(directory, { recursive: true });
    },
  };
}

async function faultOf(looking: Promise<unknown>): Promise<DatabaseFault> {
  const error = await looking.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, DatabaseFault);
  return error as DatabaseFault;
}

test('are found where the system keeps them', async () => {
  const { name, uid, gid, home } = await lookUpAccount('root');
  assert.equal({ name, uid, gid, home }, { name: 'root', uid: 0, gid: 0, home: '/root' });
});

test('that do not exist: 501', async () => {
  assert.is((await faultOf(lookUpAccount('nobody_at_all'))).code, 501);
});

test('whose directory service does not answer: 510 in time', async () => {
  await using _hanging = await withGetent('exec sleep 1000');
  const { code, message } = await faultOf(lookUpAccount('root', undefined, 100));
  assert.is(code, 510);
  assert.match(message, 'linux_user = root');
});

test('are not waited for when the run is aborted', async () => {
  await using _hanging = await withGetent('exec sleep 1000');
  const abort = AbortSignal.timeout(100);
  assert.is((await faultOf(lookUpAccount('root', abort, 1e6))).code, 510);
});

test.run();
