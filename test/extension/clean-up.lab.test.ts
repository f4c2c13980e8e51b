/** A run has died and left clean-up of applications pending; then the agent runs a command that starts no task. */
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { JOURNAL_DIRECTORY } from '../../src/backup/journal/journal.ts';
import { PENDING_DIRECTORY } from '../../src/backup/journal/pending-cleanup.ts';
import { recordHandled } from '../../src/extension/task-history.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { ScriptFiles } from '../quiesce/scripts/script-files.ts';
import { suite } from '../suite.ts';
import { install, launch } from './installed.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('clean-up of applications by commands of the extension');

const SETTINGS = {
  runtimeSettings: [
    {
      handlerSettings: {
        publicSettings: { taskId: 'a_1', vmType: 'microsoft.compute/virtualmachines' },
      },
    },
  ],
};

/** The extension has handled task a_1 with number 3. */
class Scene implements AsyncDisposable {
  readonly directory: string;
  readonly scripts = new ScriptFiles();

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<Scene> {
    const directory = await install(await mkdtemp('/lab/extension-'));
    for (const number of [3, 4]) {
      await writeFile(join(directory, `config/${number}.settings`), JSON.stringify(SETTINGS));
    }
    await recordHandled(directory, { sequenceNumber: 3, taskId: 'a_1' }, undefined);
    return new Scene(directory);
  }

  /** Leaves the note of a run that has died before its post-script. */
  async leave(body: string): Promise<void> {
    const path = this.scripts.script('post.sh', body);
    const command = { path, parameters: [], retries: 0 };
    const entry = {
      // No process has the number 0.
      process: { pid: 0, startTicks: '1' },
      begun: '2026-11-22T00:00:00.000Z',
      owed: [{ kind: 'script', command, timeoutMs: 60_000 }],
    };
    await mkdir(PENDING_DIRECTORY, { recursive: true, mode: 0o700 });
    await writeFile(join(PENDING_DIRECTORY, 'dead.json'), JSON.stringify(entry));
  }

  /** The exit code; undefined if the command hung. */
  async run(operation: string, sequenceNumber = 3): Promise<number | null | undefined> {
    const help = async (): Promise<void> => {};
    return (await launch(this.directory, operation, { sequenceNumber, help }))?.code;
  }

  async assertDone(): Promise<void> {
    assert.equal(await pending(), []);
    assert.is(await readFile(this.scripts.trace, 'utf8'), 'post\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(JOURNAL_DIRECTORY, { recursive: true, force: true });
  }
}

async function pending(): Promise<string[]> {
  return await readdir(PENDING_DIRECTORY).catch(() => []);
}

/** Resolves when no note is left. */
async function settled(): Promise<void> {
  while ((await pending()).length > 0) {
    await delay(10);
  }
}

for (const operation of ['disable', 'uninstall']) {
  test(`${operation} ends when the post-script has run`, async () => {
    await using scene = await Scene.create();
    await scene.leave('trace post');
    assert.is(await scene.run(operation), 0);
    await scene.assertDone();
    assert.match(
      await readFile(join(scene.directory, 'log/extension.log'), 'utf8'),
      /ran the post-script \S+post\.sh, which that run had left undone/,
    );
  });
}

for (const [what, operation, sequenceNumber] of [
  ['install', 'install', 3],
  ['update', 'update', 3],
  ['enable of a number that was handled', 'enable', 3],
  ['enable of a task that was handled, under a new number', 'enable', 4],
  ['enable without a settings file', 'enable', 9],
] as const) {
  test(`${what} does not wait for the post-script, but starts it`, async () => {
    await using scene = await Scene.create();
    const fifo = scene.scripts.path('fifo');
    await runCommand('mkfifo', [fifo]);
    await scene.leave(`read -r _ < ${fifo}; trace post`);
    // It ends although the script cannot.
    assert.is(await scene.run(operation, sequenceNumber), 0);
    // Opened for both, it waits for no reader.
    await using end = await open(fifo, 'r+');
    const ended = settled();
    await end.write('go on\n');
    await ended;
    await scene.assertDone();
  });
}

test.run();
