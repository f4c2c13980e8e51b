/** A run has died together with its guardian and left the file system frozen on which the extension itself lies. */
import { readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { JOURNAL_DIRECTORY } from '../../src/backup/journal/journal.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { tryCommand } from '../../src/lab/run-command.ts';
import { FrozenWorker, gone, stop } from '../freezer/frozen-worker.ts';
import { writable } from '../freezer/writer.ts';
import { suite } from '../suite.ts';
import { install, launch } from './installed.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('extension on a file system that a dead run left frozen');

/** The guardian is stopped first, so that it cannot thaw between the two deaths. */
async function killBoth(worker: FrozenWorker): Promise<void> {
  await stop(worker.guardianPid);
  worker.kill('SIGKILL');
  process.kill(worker.guardianPid, 'SIGKILL');
  await Promise.all([gone(worker.pid), gone(worker.guardianPid)]);
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
    const ended = await launch(directory, operation, {
      help: () => tryCommand('fsfreeze', ['--unfreeze', mountPoint]),
    });
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
