import { truncateSync, writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { LabDisks } from '../../src/lab/disks.ts';
import { attachImage, detachDevice } from '../../src/lab/loop-devices.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { blobServer, Rig } from '../commands/rig.ts';
import { RunningCommand } from '../faults/running-command.ts';
import { untilRequested } from '../faults/watch-requests.ts';
import { ScriptFiles } from '../quiesce/scripts/script-files.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 120 });

const test = suite('storage that changes while a run is under way');

test('a device that is added to a btrfs after the plan was made ends the run before the freeze', async () => {
  await using rig = await Rig.create([{ type: 'btrfs', sizeMb: 256 }]);
  writeFileSync('/lab/added.img', '');
  truncateSync('/lab/added.img', 256 << 20);
  const added = await attachImage('/lab/added.img');
  await using _detached = { [Symbol.asyncDispose]: () => detachDevice(added) };
  const files = new ScriptFiles();
  const mountPoint = rig.disks.disks[0]?.mountPoint ?? '';
  const preScriptLocation = files.script('add.sh', `btrfs device add -f -K ${added} ${mountPoint}`);
  const { pluginHost } = files.host([files.usual({ preScriptLocation })]);
  const ended = await flashfreeze([
    ...['snapshot', ...rig.blobArguments, '--plugin-host', pluginHost, '--json'],
  ]);
  assert.is(ended.exitCode, 2, ended.stderr);
  assert.match(ended.stderr, `${mountPoint} was moved to other disks after the plan was made`);
  assert.equal(await rig.server.snapshots('disk0'), []);
});

test('a file system that is mounted while others are frozen is named, and its disk does not count', async () => {
  await using disks = await LabDisks.create([{ type: 'ext4' }]);
  writeFileSync('/lab/late.img', '');
  truncateSync('/lab/late.img', 64 << 20);
  await runCommand('mkfs.ext4', ['-q', '-F', '/lab/late.img']);
  const device = await attachImage('/lab/late.img');
  await using _detached = { [Symbol.asyncDispose]: () => detachDevice(device) };
  await using server = await blobServer(
    [
      { name: 'disk0', imagePath: disks.disks[0]?.imagePath ?? '' },
      { name: 'late', imagePath: '/lab/late.img' },
    ],
    1_500,
  );
  const blobs = server.urls.flatMap((url) => ['--blob', url]);
  using command = RunningCommand.start(['snapshot', ...blobs, '--json', '--no-timeline']);
  await untilRequested(server, command, ({ operation }) => operation === 'snapshot');
  await runCommand('mkdir', ['-p', '/lab/late']);
  await runCommand('mount', [device, '/lab/late']);
  await using _unmounted = {
    async [Symbol.asyncDispose]() {
      await runCommand('umount', ['/lab/late']);
    },
  };
  const ended = await command.ended;
  const summary = JSON.parse(ended.stdout) as RunSummary;
  assert.is(ended.exitCode, 1, ended.stderr);
  assert.is(summary.consistency, 'crashConsistent');
  assert.match(
    summary.problems.join(),
    `${device} carries /lab/late (ext4), which was not frozen because it was mounted after`,
  );
  assert.equal(
    summary.disks.map(({ showsInstant }) => showsInstant),
    [true, false],
  );
});

test.run();
