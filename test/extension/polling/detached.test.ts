import { watch } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { startDetached, stopDetached } from '../../../src/extension/polling/detached.ts';
import type { ServiceCommand } from '../../../src/extension/polling/service-command.ts';
import { suite } from '../../suite.ts';

const test = suite('polling service as a detached process');
const STAND_IN = join(import.meta.dirname, 'fixtures/stand-in.ts');

/** A directory with the files of a service that says what becomes of it. */
class Scene implements AsyncDisposable {
  readonly directory: string;
  readonly files: { readonly pidFile: string; readonly lockFile: string };
  readonly log: string;

  private constructor(directory: string) {
    this.directory = directory;
    this.files = { pidFile: join(directory, 'pid'), lockFile: join(directory, 'lock') };
    this.log = join(directory, 'log');
  }

  static async create(): Promise<Scene> {
    const scene = new Scene(await mkdtemp(join(tmpdir(), 'polling-')));
    await writeFile(scene.log, '');
    return scene;
  }

  command(environment: Readonly<Record<string, string>> = {}): ServiceCommand {
    return {
      argv: [process.execPath, STAND_IN, this.files.lockFile, this.log],
      directory: this.directory,
      environment: { PATH: process.env.PATH ?? '', ...environment },
    };
  }

  /** The log, as soon as it has so many lines. */
  async lines(count: number): Promise<string[]> {
    const { promise, resolve } = Promise.withResolvers<string[]>();
    const check = async (): Promise<void> => {
      const lines = (await readFile(this.log, 'utf8')).trim().split('\n');
      if (lines.length >= count && lines[0] !== '') {
        resolve(lines);
      }
    };
    using _watching = disposable(watch(this.directory, () => void check()));
    await check();
    return await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stopDetached(this.files);
    await rm(this.directory, { recursive: true });
  }
}

function disposable(watcher: { close(): void }): Disposable {
  return { [Symbol.dispose]: () => watcher.close() };
}

test('is started once, however often; ends before the stop comes back, and leaves nothing', async () => {
  await using scene = await Scene.create();
  await startDetached(scene.command(), scene.files);
  assert.equal(await scene.lines(2), ['started', 'ready']);
  await startDetached(scene.command(), scene.files);
  await stopDetached(scene.files);
  assert.equal(await scene.lines(3), ['started', 'ready', 'ended']);
  assert.equal(await readdir(scene.directory), ['log']);
  await stopDetached(scene.files);
});

test('another command replaces it', async () => {
  await using scene = await Scene.create();
  await startDetached(scene.command(), scene.files);
  await scene.lines(2);
  await startDetached(scene.command({ VERSION: '2' }), scene.files);
  assert.equal(await scene.lines(5), ['started', 'ready', 'ended', 'started', 'ready']);
});

test('one that was killed is started again', async () => {
  await using scene = await Scene.create();
  await startDetached(scene.command(), scene.files);
  await scene.lines(2);
  const [pid] = (await readFile(scene.files.pidFile, 'utf8')).split('\n');
  process.kill(Number(pid), 'SIGKILL');
  await untilGone(Number(pid));
  await startDetached(scene.command(), scene.files);
  assert.equal(await scene.lines(4), ['started', 'ready', 'started', 'ready']);
});

test('a note of a process that is somebody else’s by now harms nobody', async () => {
  await using scene = await Scene.create();
  // This process, with the start time of another.
  await writeFile(scene.files.pidFile, `${process.pid}\n1\n${'{}'}\n`);
  await stopDetached(scene.files);
  await writeFile(scene.files.pidFile, 'garbage');
  await startDetached(scene.command(), scene.files);
  assert.equal(await scene.lines(2), ['started', 'ready']);
});

test('two that are started at the same time come down to one', async () => {
  await using scene = await Scene.create();
  await startDetached(scene.command(), scene.files);
  await scene.lines(2);
  const note = await readFile(scene.files.pidFile, 'utf8');
  await rm(scene.files.pidFile);
  await startDetached(scene.command(), scene.files);
  assert.equal(await scene.lines(3), ['started', 'ready', 'another one runs']);
  await writeFile(scene.files.pidFile, note);
});

for (const note of [undefined, '1\n1\n{}\n']) {
  test(`one whose note is ${note === undefined ? 'missing' : 'that of another process'} is ended all the same`, async () => {
    await using scene = await Scene.create();
    await startDetached(scene.command(), scene.files);
    await scene.lines(2);
    const written = await readFile(scene.files.pidFile, 'utf8');
    try {
      await (note === undefined ? rm(scene.files.pidFile) : writeFile(scene.files.pidFile, note));
      await stopDetached(scene.files);
      assert.is(await readFile(scene.log, 'utf8'), 'started\nready\nended\n');
      assert.equal(await readdir(scene.directory), ['log']);
    } finally {
      await writeFile(scene.files.pidFile, written);
    }
  });
}

/** It is nobody's child here, so nothing tells when it has been reaped. */
async function untilGone(pid: number): Promise<void> {
  try {
    for (;;) {
      const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
      if (stat.includes(') Z ')) {
        return;
      }
    }
  } catch {
    // Gone.
  }
}

test.run();
