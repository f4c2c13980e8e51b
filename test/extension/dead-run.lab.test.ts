/** A run has died together with its guardian and left the file system frozen on which the extension itself lies. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import { JOURNAL_DIRECTORY } from '../../src/backup/journal/journal.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { tryCommand } from '../../src/lab/run-command.ts';
import { MAIN } from '../commands/command-line.ts';
import { FrozenWorker, gone, stop } from '../freezer/frozen-worker.ts';
import { writable } from '../freezer/writer.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('extension on a file system that a dead run left frozen');
/** A command that waits for a frozen file system waits for ever. */
const COMMAND_LIMIT_MS = 120_000;

/** Of the agent, in the lab's /run: what is written is in memory, as little as possible lies on the disk. */
async function install(mountPoint: string): Promise<string> {
  const directory = join(mountPoint, 'Contoso.SnapshotLinux-1.0.0.0');
  const folders = { logFolder: 'log', configFolder: 'config', statusFolder: 'status' };
  for (const folder of Object.values(folders)) {
    await mkdir(join(directory, folder), { recursive: true });
  }
  await writeFile(
    join(directory, 'HandlerEnvironment.json'),
    JSON.stringify([{ version: 1.0, handlerEnvironment: folders }]),
  );
  return directory;
}

/** The guardian is stopped first, so that it cannot thaw between the two deaths. */
async function killBoth(worker: FrozenWorker): Promise<void> {
  await stop(worker.guardianPid);
  worker.kill('SIGKILL');
  process.kill(worker.guardianPid, 'SIGKILL');
  await Promise.all([gone(worker.pid), gone(worker.guardianPid)]);
}

/** Its exit code and what it said; undefined where it hung, and was helped by a thaw. */
async function launch(
  directory: string,
  mountPoint: string,
  operation: string,
): Promise<{ readonly code: number | null; readonly said: string } | undefined> {
  const child: ChildProcess = spawn(process.execPath, [MAIN, 'extension', operation], {
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      AZURE_GUEST_AGENT_EXTENSION_PATH: directory,
      AZURE_GUEST_AGENT_EXTENSION_VERSION: '1.0.0.0',
      ...(operation === 'update'
        ? { AZURE_GUEST_AGENT_UPDATING_FROM_VERSION: '0.9.0.0', VERSION: '1.0.0.0' }
        : {}),
    },
  });
  let hasHung = false;
  const limit = setTimeout(async () => {
    hasHung = true;
    await tryCommand('fsfreeze', ['--unfreeze', mountPoint]);
  }, COMMAND_LIMIT_MS);
  const said = child.stderr === null ? Promise.resolve('') : text(child.stderr);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(limit);
  return hasHung ? undefined : { code, said: await said };
}

for (const operation of ['install', 'enable', 'disable', 'update', 'uninstall']) {
  test(`${operation} thaws it first`, async () => {
    await using lab = await LabDisks.create([{ type: 'ext4' }]);
    const mountPoint = lab.disks[0]?.mountPoint ?? '';
    const directory = await install(mountPoint);
    await mkdir(JOURNAL_DIRECTORY, { recursive: true, mode: 0o700 });
    await using _journal = {
      [Symbol.asyncDispose]: () => rm(JOURNAL_DIRECTORY, { recursive: true, force: true }),
    };
    await using worker = await FrozenWorker.start([mountPoint], {
      journalDirectory: JOURNAL_DIRECTORY,
      deadlineMs: 120_000,
    });
    await killBoth(worker);
    const ended = await launch(directory, mountPoint, operation);
    const wasFrozen = (await tryCommand('fsfreeze', ['--unfreeze', mountPoint])).code === 0;
    assert.is.not(ended, undefined, `extension ${operation} hung`);
    assert.is(wasFrozen, false, 'left frozen');
    assert.match(ended?.said ?? '', `thawed now: ${mountPoint}`);
    await writable([mountPoint]);
    const left = operation === 'uninstall' ? [] : readdirSync(JOURNAL_DIRECTORY);
    assert.equal(
      left.filter((name) => name.endsWith('.json')),
      [],
    );
  });
}

test.run();
