import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import { extensionFolders } from '../../src/lab/agent/extension-folders.ts';
import { readRunFile, runFilesIn } from '../../src/report/run-folder.ts';
import { suite } from '../suite.ts';
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

test.run();
