import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../src/errors.ts';
import { Freezer } from '../../src/freezer/freezer.ts';
import { FileLock, FREEZE_LOCK_PATH } from '../../src/system/file-lock.ts';
import { suite } from '../suite.ts';

const test = suite('freeze lock');

interface Place extends AsyncDisposable {
  readonly directory: string;
  readonly path: string;
}

async function makePlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'freeze-lock-'));
  return {
    directory,
    path: join(directory, 'made', 'deeper', 'lock'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Another tool: takes the lock with lockf(3), prints a line, and holds the lock until its input ends. */
const LOCKF = `
import fcntl, sys
with open(sys.argv[1], 'a') as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print('busy', flush=True)
        sys.exit(0)
    print('locked', flush=True)
    sys.stdin.read()
`;

interface OtherTool extends AsyncDisposable {
  readonly answer: 'busy' | 'locked';
  readonly pid: number | undefined;
  release(): void;
}

async function otherTool(path: string): Promise<OtherTool> {
  const child = spawn('python3', ['-c', LOCKF, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [chunk] = await once(child.stdout, 'data');
  return {
    answer: String(chunk).trim() === 'locked' ? 'locked' : 'busy',
    pid: child.pid,
    release: () => child.stdin.end(),
    [Symbol.asyncDispose]: () => ended(child),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  child.stdin?.end();
  if (child.exitCode === null && child.signalCode === null) {
    await once(child, 'exit');
  }
}

async function isFree(path: string): Promise<boolean> {
  await using tool = await otherTool(path);
  return tool.answer === 'locked';
}

async function refusal(acquiring: Promise<FileLock>): Promise<FlashfreezeError> {
  try {
    using _lock = await acquiring;
  } catch (error) {
    assert.instance(error, FlashfreezeError);
    return error as FlashfreezeError;
  }
  throw new Error('the lock was acquired');
}

test('the lock excludes tools that use lockf, until it is disposed of', async () => {
  await using place = await makePlace();
  {
    using _lock = await FileLock.acquire({ path: place.path });
    assert.not(await isFree(place.path));
  }
  assert.ok(await isFree(place.path));
});

test('missing directories are created with access for root only', async () => {
  await using place = await makePlace();
  using _lock = await FileLock.acquire({ path: place.path });
  const modes = await Promise.all(
    ['made', 'made/deeper', 'made/deeper/lock'].map(async (name) => {
      const { mode, uid } = await stat(join(place.directory, name));
      return [mode & 0o777, uid];
    }),
  );
  assert.equal(modes, [
    [0o700, 0],
    [0o700, 0],
    [0o600, 0],
  ]);
});

test('the lock is taken as soon as the other tool releases it', async () => {
  await using place = await makePlace();
  (await FileLock.acquire({ path: place.path }))[Symbol.dispose]();
  await using tool = await otherTool(place.path);
  const acquiring = FileLock.acquire({ path: place.path, waitMs: 20_000 });
  tool.release();
  using _lock = await acquiring;
  assert.not(await isFree(place.path));
});

test('a lock whose file the other tool removes is taken on the file that is there now', async () => {
  await using place = await makePlace();
  (await FileLock.acquire({ path: place.path }))[Symbol.dispose]();
  await using first = await otherTool(place.path);
  const acquiring = FileLock.acquire({ path: place.path, waitMs: 20_000 });
  // It has the file open now, and waits.
  await rm(place.path);
  await writeFile(place.path, '', { mode: 0o600 });
  await using second = await otherTool(place.path);
  assert.is(second.answer, 'locked');
  first.release();
  await first[Symbol.asyncDispose]();
  const early = await Promise.race([acquiring.then(() => 'taken'), delay(200, 'waits')]);
  assert.is(early, 'waits');
  second.release();
  using _lock = await acquiring;
  assert.not(await isFree(place.path));
});

test('the error of a time-out names the holder of the lock', async () => {
  await using place = await makePlace();
  (await FileLock.acquire({ path: place.path }))[Symbol.dispose]();
  await using tool = await otherTool(place.path);
  const error = await refusal(FileLock.acquire({ path: place.path, waitMs: 50 }));
  assert.is(error.code, 'FF_LOCK_TIMEOUT');
  assert.is(error.systemCall?.errno, 'ETIMEDOUT');
  assert.match(error.message, `process ${tool.pid}`);
  assert.match(error.message, '50 ms');
});

test('waiting can be aborted', async () => {
  await using place = await makePlace();
  (await FileLock.acquire({ path: place.path }))[Symbol.dispose]();
  await using _tool = await otherTool(place.path);
  const reason = new Error('stop');
  const abort = new AbortController();
  const acquiring = FileLock.acquire({ path: place.path, signal: abort.signal });
  abort.abort(reason);
  try {
    using _lock = await acquiring;
    assert.unreachable();
  } catch (error) {
    assert.is(error, reason);
  }
});

test('a process holds the lock once, and a second try does not release it', async () => {
  await using place = await makePlace();
  using _lock = await FileLock.acquire({ path: place.path });
  const error = await refusal(FileLock.acquire({ path: place.path }));
  assert.match(error.message, 'this process already holds it');
  assert.not(await isFree(place.path));
});

test('freezing threads that close their copies of the descriptor do not release the lock', async () => {
  await using place = await makePlace();
  using _lock = await FileLock.acquire({ path: place.path });
  {
    await using freezer = Freezer.open([place.directory, place.directory], () => {});
    assert.is(freezer.deviceNumbers.length, 2);
    assert.not(await isFree(place.path));
  }
  assert.not(await isFree(place.path));
});

test('a symbolic link in the path is refused, and the error names it', async () => {
  await using place = await makePlace();
  await mkdir(join(place.directory, 'real'));
  await symlink('real', join(place.directory, 'made'));
  const error = await refusal(FileLock.acquire({ path: place.path }));
  assert.is(error.systemCall?.errno, 'ELOOP');
  assert.match(error.message, `"${join(place.directory, 'made')}" is a symbolic link`);
});

test('a lock file that is a symbolic link is refused', async () => {
  await using place = await makePlace();
  await writeFile(join(place.directory, 'real'), '');
  const path = join(place.directory, 'lock');
  await symlink('real', path);
  const error = await refusal(FileLock.acquire({ path }));
  assert.match(error.message, 'symbolic link');
});

test('a directory that another user owns, or that others may write, is refused', async () => {
  await using place = await makePlace();
  const made = join(place.directory, 'made');
  await mkdir(made);
  const spoils = [
    () => chmod(made, 0o777),
    () => chown(made, 0, 1).then(() => chmod(made, 0o775)),
    () => chown(made, 1, 1),
  ];
  for (const spoil of spoils) {
    await chmod(made, 0o700);
    await spoil();
    const error = await refusal(FileLock.acquire({ path: place.path }));
    assert.is(error.systemCall?.errno, 'EACCES');
    assert.match(error.message, `"${made}" must belong to root`);
    assert.is(error.code, 'FF_FREEZE_FAILED');
  }
});

test('root’s own group may write to a directory, as after an installation with umask 002', async () => {
  await using place = await makePlace();
  const made = join(place.directory, 'made');
  await mkdir(made);
  await chmod(made, 0o775);
  using _lock = await FileLock.acquire({ path: place.path });
});

test('a directory in place of the lock, or a file in place of its directory, is refused, and the error names it', async () => {
  await using place = await makePlace();
  const made = join(place.directory, 'made');
  await mkdir(made);
  const error = await refusal(FileLock.acquire({ path: made }));
  assert.match(error.message, `"${made}" has the wrong type (EISDIR)`);
  const file = join(place.directory, 'file');
  await writeFile(file, '');
  const other = await refusal(FileLock.acquire({ path: join(file, 'lock') }));
  assert.match(other.message, `"${file}" has the wrong type (ENOTDIR)`);
});

test('if the holder removes the lock file, the next one locks the new file', async () => {
  await using place = await makePlace();
  const { path } = place;
  (await FileLock.acquire({ path }))[Symbol.dispose]();
  await using holder = await otherTool(path);
  assert.is(holder.answer, 'locked');
  // When this returns, the file is open and the wait has begun.
  const acquiring = FileLock.acquire({ path });
  await rm(path);
  holder.release();
  using lock = await acquiring;
  assert.not(await isFree(path));
  lock[Symbol.dispose]();
  assert.ok(await isFree(path));
});

test('the freeze lock is the file that other backup tools lock', () => {
  assert.is(FREEZE_LOCK_PATH, '/etc/azure/MicrosoftRecoverySvcsSafeFreezeLock/SafeFreezeLockFile');
});

test.run();
