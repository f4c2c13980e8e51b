import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { LabDisks } from '../../src/lab/disks.ts';
import { thawCompletely } from '../../src/lab/loop-devices.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { Writers } from '../../src/lab/writers.ts';
import { suite } from '../suite.ts';
import { blockedState } from './fixtures/blocked-state.ts';

await enterLab();

const test = suite('lab writers');

test('write on every disk and end when told to', async () => {
  await using made = await LabDisks.create([{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }]);
  const directories = made.disks.map(({ mountPoint }) => mountPoint);
  await using writers = await Writers.start(directories);
  const totals = await writers.stop();
  assert.deepEqual(
    totals.map(({ directory }) => directory),
    directories,
  );
  assert.ok(totals.every(({ writes, longestStallMs }) => writes > 0 && longestStallMs > 0));
  assert.equal(existsSync(`/proc/${writers.pid}`), false);
});

test('end after the thaw when told to while a disk is frozen', async () => {
  await using made = await LabDisks.create([{ type: 'ext4' }, { type: 'ext4' }]);
  const directories = made.disks.map(({ mountPoint }) => mountPoint);
  await using writers = await Writers.start(directories);
  const [frozen = ''] = directories;
  await runCommand('fsfreeze', ['--freeze', frozen]);
  await blockedState(writers.pid);
  let stopped = false;
  const totals = writers.stop().then((answer) => {
    stopped = true;
    return answer;
  });
  assert.equal(stopped, false);
  await thawCompletely(frozen);
  assert.equal((await totals).length, 2);
});

test('are refused where they cannot write', async () => {
  await assert.rejects(Writers.start(['/lab/no-such-directory']), /writers' process ended/);
});

test.run();
