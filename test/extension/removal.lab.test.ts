import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { FREEZE_ORDER_PATH } from '../../src/backup/freeze-order-file.ts';
import { FlashfreezeError } from '../../src/errors.ts';
import { type Installation, readInstallation } from '../../src/extension/installation.ts';
import { POLLING_FILES } from '../../src/extension/polling/detached.ts';
import { disable, uninstall } from '../../src/extension/removal.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('removal of a broken installation');

const COMMANDS = [
  ['disable', disable],
  ['uninstall', uninstall],
] as const;

/** A directory in which `make` makes what is broken. */
async function withInstallation(
  make: (directory: string) => Promise<unknown>,
  use: (installation: Installation) => Promise<void>,
): Promise<void> {
  const lib = await mkdtemp(join(tmpdir(), 'flashfreeze-removal-'));
  try {
    const directory = join(lib, 'Some.Publisher.SnapshotLinux-1.0.0.0');
    await mkdir(directory);
    await make(directory);
    const folders = { logFolder: 'log', configFolder: 'config', statusFolder: 'status' };
    await writeFile(
      join(directory, 'HandlerEnvironment.json'),
      JSON.stringify([{ name: 'a', version: 1.0, handlerEnvironment: folders }]),
    );
    await use(await readInstallation({ AZURE_GUEST_AGENT_EXTENSION_PATH: directory }));
  } finally {
    await rm(lib, { recursive: true });
  }
}

/** Holds the lock of tasks, as a task does that runs. */
const TASK = `
  const { exclusively } = await import(process.argv[1]);
  await exclusively(process.argv[2], 'run', 0);
  console.log('runs');
  setInterval(() => {}, 1_000);`;

async function startTask(directory: string): Promise<AsyncDisposable> {
  const module = join(import.meta.dirname, '../../src/extension/process-lock.ts');
  const child = spawn(process.execPath, ['--eval', TASK, module, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The clock that limits waits runs so many times as fast. */
function fastClock(factor: number): Disposable {
  const { now } = performance;
  const beganMs = now.call(performance);
  performance.now = () => beganMs + (now.call(performance) - beganMs) * factor;
  return {
    [Symbol.dispose]: () => {
      performance.now = now;
    },
  };
}

for (const [what, remove, limitS] of [
  ['disable', disable, 600],
  ['uninstall', uninstall, 120],
] as const) {
  test(`${what} waits ${limitS} s for a task to end`, async () => {
    await withInstallation(
      async () => {},
      async (installation) => {
        await using _task = await startTask(installation.directory);
        using _fast = fastClock(600);
        const error = await remove(installation, [], () => {}).catch((it: unknown) => it);
        assert.instance(error, FlashfreezeError);
        assert.match(
          String(error),
          `"run" of this extension has been running for more than ${limitS} s`,
        );
      },
    );
  });
}

for (const [what, remove] of COMMANDS) {
  test(`${what} succeeds with a warning if the lock cannot be had`, async () => {
    // A directory in place of the file stands for a file system on which no lock can be taken.
    const make = (directory: string) => mkdir(join(directory, 'enable.lock'));
    await withInstallation(make, async (installation) => {
      const warnings: string[] = [];
      await remove(installation, [], (message) => warnings.push(message));
      assert.match(warnings.join('\n'), /enable\.lock.*EISDIR/);
      assert.match(warnings.join('\n'), 'not waited for');
    });
  });

  test(`${what} stops the polling service once, under the lock; if that fails, it waits for the tasks all the same`, async () => {
    const { pidFile } = POLLING_FILES;
    await mkdir(pidFile);
    try {
      await withInstallation(
        async () => {},
        async (installation) => {
          const warnings: string[] = [];
          await remove(installation, [], (message) => warnings.push(message));
          assert.is(warnings.length, 1, warnings.join('\n'));
          assert.match(warnings[0] ?? '', pidFile);
        },
      );
    } finally {
      await rm(pidFile, { recursive: true });
    }
  });
}

test('uninstall removes the order of the freeze, unless the command is installed and uses it, too', async () => {
  const cron = '/etc/cron.d/flashfreeze';
  for (const isInstalled of [true, false]) {
    await mkdir(dirname(FREEZE_ORDER_PATH), { recursive: true });
    await writeFile(FREEZE_ORDER_PATH, '{"freezeFirst":["/data"]}');
    if (isInstalled) {
      await mkdir(dirname(cron), { recursive: true });
      await writeFile(cron, '');
    }
    await withInstallation(
      async () => {},
      async (installation) => await uninstall(installation, [], () => {}),
    );
    assert.is(existsSync(FREEZE_ORDER_PATH), isInstalled);
    await rm(cron, { force: true });
  }
});

test.run();
