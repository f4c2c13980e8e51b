import * as assert from 'uvu/assert';
import { JOURNAL_DIRECTORY, unfinishedRuns } from '../../src/backup/journal/journal.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { blobServer } from '../commands/rig.ts';
import { writable } from '../freezer/writer.ts';
import { suite } from '../suite.ts';
import { RunningCommand } from './running-command.ts';
import { untilRequested } from './watch-requests.ts';

await enterLab({ lifetimeSeconds: 300 });

const test = suite('a run that cannot release everything');

test('a run whose journal cannot be removed after the thaw reports its snapshots all the same', async () => {
  await using disks = await LabDisks.create([{ type: 'ext4' }]);
  const [disk] = disks.disks;
  const { imagePath = '', mountPoint = '' } = disk ?? {};
  await using server = await blobServer([{ name: 'disk0', imagePath }], 60_000);
  const blobs = server.urls.flatMap((url) => ['--blob', url]);
  using command = RunningCommand.start(['snapshot', ...blobs, '--json', '--no-timeline']);
  await untilRequested(server, command, ({ operation }) => operation === 'snapshot');
  await runCommand('mount', ['--bind', JOURNAL_DIRECTORY, JOURNAL_DIRECTORY]);
  await runCommand('mount', ['-o', 'remount,bind,ro', JOURNAL_DIRECTORY]);
  await server.answerNow();
  const ended = await command.ended;
  await runCommand('umount', [JOURNAL_DIRECTORY]);
  assert.is(ended.exitCode, 0, ended.stderr);
  const summary = JSON.parse(ended.stdout) as RunSummary;
  assert.is(summary.restorable, true, summary.problems.join());
  assert.is(summary.disks.filter(({ snapshot }) => snapshot !== undefined).length, 1);
  assert.match(summary.warnings.join(), /could be released: .*EROFS/);
  await writable([mountPoint]);
  // The next command finds the entry, and nothing to thaw.
  assert.is((await unfinishedRuns()).length, 1);
  await flashfreeze(['thaw']);
  assert.equal(await unfinishedRuns(), []);
  await writable([mountPoint]);
});

test.run();
