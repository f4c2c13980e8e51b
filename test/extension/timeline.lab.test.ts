import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import { extensionFolders } from '../../src/lab/agent/extension-folders.ts';
import { readRunFile, runFilesIn } from '../../src/report/run-folder.ts';
import { suite } from '../suite.ts';
import { assertBlobStatus } from './checks.ts';
import { HANDLER_NAME, preparePayload } from './payload.ts';
import { Scene } from './scene.ts';

await enterGuestLab({ lifetimeSeconds: 600 }, preparePayload);

const test = suite('timelines of the extension');

test('each task leaves its own beside the log, with its disks and without a secret', async () => {
  await using scene = await Scene.create({ disks: [{ type: 'ext4' }] });
  const task = await scene.task();
  await scene.send(task.settings);
  await scene.settled();
  const { log } = extensionFolders({ name: HANDLER_NAME, version: '1.0.0.1' });
  const [path = '', ...others] = await runFilesIn(scene.guest.path(join(log, 'runs')));
  assert.equal(others, []);
  const { origin, taskId, summary, timeline } = await readRunFile(path);
  assert.is(origin, 'extension');
  assert.is(taskId, task.taskId);
  assert.is(summary?.consistency, 'fileSystemConsistent');
  assert.is(timeline?.disks.length, 2);
  assert.ok(timeline?.fileSystems.every(({ freezes }) => freezes[0]?.thaw !== null));
  assert.not.match(await readFile(path, 'utf8'), 'sig=');
});

test('each task leaves metrics, and tells the command that vmbackup.conf names, which may fail', async () => {
  await using scene = await Scene.create({ disks: [{ type: 'ext4' }] });
  await writeFile(
    scene.guest.path('/etc/azure/vmbackup.conf'),
    '[Flashfreeze]\nmetricsFile = /root/flashfreeze.prom\nnotify = /root/notify "a b"\n',
  );
  await writeFile(
    scene.guest.path('/root/notify'),
    '#!/bin/sh\ncat >/root/heard\necho "$1 $FLASHFREEZE_RESULT"\nexit 4\n',
    { mode: 0o755 },
  );
  const good = await scene.task();
  await scene.send(good.settings);
  await scene.settled();
  const heard = await readRunFile(scene.guest.path('/root/heard'));
  assert.equal([heard.taskId, heard.summary?.restorable], [good.taskId, true]);
  assert.not.match(await readFile(scene.guest.path('/root/heard'), 'utf8'), 'sig=');
  const { log } = extensionFolders({ name: HANDLER_NAME, version: '1.0.0.1' });
  const lines = await readFile(scene.guest.path(join(log, 'extension.log')), 'utf8');
  assert.match(lines, `INFO task ${good.taskId}`);
  assert.match(lines, `host name ${heard.machine.host}`);
  assert.match(lines, 'INFO the notify command /root/notify printed:\n    a b success\n');
  assert.match(lines, 'WARNING the notify command /root/notify ended with exit code 4');
  await assertBlobStatus(good, 1);
  const metrics = await readFile(scene.guest.path('/root/flashfreeze.prom'), 'utf8');
  const at = `host="${heard.machine.host}",origin="extension"`;
  for (const line of [`last_run_success{${at}} 1`, `last_run_set_complete{${at}} 1`]) {
    assert.match(metrics, line);
  }
  assert.match(metrics, `credential_end_timestamp_seconds{${at},kind="sas"}`);

  const refused = await scene.task({ scheduledMinutesAgo: 1_000 });
  await scene.send(refused.settings);
  await scene.settled();
  const second = await readRunFile(scene.guest.path('/root/heard'));
  assert.equal([second.taskId, second.summary], [refused.taskId, null]);
});

test('a task that only installs succeeds, and is no run', async () => {
  await using scene = await Scene.create({ disks: [{ type: 'ext4' }] });
  const metricsFile = '/root/flashfreeze.prom';
  await writeFile(
    scene.guest.path('/etc/azure/vmbackup.conf'),
    `[Flashfreeze]\nmetricsFile = ${metricsFile}\n`,
  );
  const { log } = extensionFolders({ name: HANDLER_NAME, version: '1.0.0.1' });
  const kept = async (): Promise<unknown> => [
    await readFile(scene.guest.path(metricsFile), 'utf8'),
    await runFilesIn(scene.guest.path(join(log, 'runs'))),
  ];
  await scene.send((await scene.task()).settings);
  await scene.settled();
  const before = await kept();
  const task = await scene.task({ publicSettings: { commandToExecute: 'install' } });
  await scene.send(task.settings);
  await scene.settled();
  await assertBlobStatus(task, 1);
  assert.equal(await kept(), before);
});

test.run();
