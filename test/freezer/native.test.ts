import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../src/errors.ts';
import { Freezer } from '../../src/freezer/freezer.ts';
import { Guardian } from '../../src/freezer/guardian.ts';
import { errnoName, requireAddon, systemCallFailure } from '../../src/system/native.ts';
import { suite } from '../suite.ts';

const test = suite('native');
const SOURCE = join(import.meta.dirname, '../../src/freezer');

test('an addon that is missing or not an addon gives an error with a remedy', () => {
  for (const path of ['/nowhere/flashfreeze.node', '/bin/sh']) {
    try {
      requireAddon(path);
      assert.unreachable(path);
    } catch (error) {
      assert.instance(error, FlashfreezeError);
      assert.is((error as FlashfreezeError).code, 'FF_ADDON_MISSING');
      assert.match((error as FlashfreezeError).message, 'npm ci');
    }
  }
});

test('a missing guardian gives an error with its path', async () => {
  await using freezer = Freezer.open([], () => {});
  try {
    await using _guardian = await Guardian.start(freezer, '/nowhere/guardian');
    assert.unreachable();
  } catch (error) {
    assert.instance(error, FlashfreezeError);
    assert.is((error as FlashfreezeError).code, 'FF_GUARDIAN_MISSING');
    assert.match((error as FlashfreezeError).message, '/nowhere/guardian');
  }
});

test('a limit that is too low gives an error with its name and a remedy', async () => {
  const script = `
    import { Freezer } from '${SOURCE}/freezer.ts';
    import { Guardian } from '${SOURCE}/guardian.ts';
    const [count] = process.argv.slice(-1);
    try {
      await using freezer = Freezer.open(new Array(Number(count)).fill('/'), () => {});
      await using guardian = await Guardian.start(freezer);
    } catch ({ code, message }) {
      console.log(code, message);
    }
    process.exit();`;
  const withMountPoints = async (count: number): Promise<string> => {
    const node = [process.execPath, '--input-type=module', '--eval', script, String(count)];
    const { stdout } = await promisify(execFile)('prlimit', ['--nofile=64:64', ...node]);
    return stdout;
  };
  const said = await withMountPoints(80);
  assert.match(said, /^FF_MOUNT_OPEN .*EMFILE; .*ulimit -n/);
  // Enough for the mount points, too few for a process with copies of them.
  const codes = new Set<string>();
  for (let count = 20; count < 64; count += 2) {
    const answer = await withMountPoints(count);
    codes.add(answer.split(' ', 1)[0] ?? '');
    assert.ok(answer.length <= 1 || /EMFILE\)?; .*ulimit -n/.test(answer), answer);
  }
  assert.ok(codes.has('FF_GUARDIAN_LOST'), [...codes].join());
  assert.not(codes.has('FF_INTERNAL'), [...codes].join());
  assert.ok(codes.has('FF_LIMIT_REACHED'), [...codes].join());
});

test('a guardian takes 256 file systems', async () => {
  const directories = Array.from({ length: 256 }, () => tmpdir());
  await using freezer = Freezer.open(directories, () => {});
  await using guardian = await Guardian.start(freezer);
  const threads = await readdir(`/proc/${guardian.pid}/task`);
  assert.is(threads.length, 257);
  assert.equal(await guardian.release(), { reason: 'released', thawed: [], failed: [] });
});

test('a guardian that ends at once is reported as lost', async () => {
  await using freezer = Freezer.open([], () => {});
  try {
    await using _guardian = await Guardian.start(freezer, '/bin/true');
    assert.unreachable();
  } catch (error) {
    assert.instance(error, FlashfreezeError);
    assert.is((error as FlashfreezeError).code, 'FF_GUARDIAN_LOST');
  }
});

test('numbers with two names get the one of the manual page', () => {
  assert.equal([16, 95, 11, 35, 22, 4095].map(errnoName), [
    'EBUSY',
    'EOPNOTSUPP',
    'EAGAIN',
    'EDEADLK',
    'EINVAL',
    'errno 4095',
  ]);
});

test('only a failed system call is recognised as one', () => {
  assert.is(systemCallFailure(new Error('plain')), undefined);
  const failure = Object.assign(new Error('open'), { errno: 2, syscall: 'open', path: '' });
  assert.equal(systemCallFailure(failure), { errno: 'ENOENT', syscall: 'open' });
});

test.run();
