/** A run that is ended while a balance is still on its way to the pause that the run has asked for. */
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { RunningBalance } from '../../bench/faults/running-balance.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';
import { RunningCommand } from './running-command.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('balance that is being paused');

test('goes on where the run is ended by a signal meanwhile', async () => {
  await using lab = await LabDisks.create([{ type: 'btrfs' }]);
  const mountPoint = lab.disks[0]?.mountPoint ?? '';
  await using balance = await RunningBalance.start(mountPoint);
  const freeze = ['freeze', '--timeout', '20', '--mount', mountPoint, '--', 'true'];
  using command = RunningCommand.start(freeze);
  await command.said(`the btrfs balance of ${mountPoint} is paused for this run`);
  assert.is(readFileSync(balance.operationFile, 'utf8').trim(), 'balance', 'paused too early');
  command.signal('SIGTERM');
  const { exitCode, stderr } = await command.ended;
  assert.is(exitCode, 143, stderr);
  assert.not.match(stderr, /cannot resume|stays paused/);
  assert.equal(await balance.problems(false), [], stderr);
});

test.run();
