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

/** A pause takes up to half a second, and nothing makes it last: if it was over before the signal, it is tried again. */
const MOST_TRIES = 20;

/** @returns whether the signal came while the balance was being paused */
async function endDuringPause(mountPoint: string): Promise<boolean> {
  await using balance = await RunningBalance.start(mountPoint);
  const freeze = ['freeze', '--timeout', '20', '--mount', mountPoint, '--', 'true'];
  using command = RunningCommand.start(freeze);
  const words = `the btrfs balance of ${mountPoint} is paused for this run`;
  const isSaid = await command.said(words).then(
    () => true,
    () => false,
  );
  const isPausing = readFileSync(balance.operationFile, 'utf8').trim() === 'balance';
  command.signal('SIGTERM');
  const { exitCode, stderr } = await command.ended;
  assert.equal(await balance.problems(false), [], stderr);
  if (!isSaid || !isPausing || exitCode === 0) {
    return false;
  }
  assert.is(exitCode, 143, stderr);
  assert.not.match(stderr, /cannot resume|stays paused/);
  return true;
}

test('goes on where the run is ended by a signal meanwhile', async () => {
  await using lab = await LabDisks.create([{ type: 'btrfs' }]);
  const mountPoint = lab.disks[0]?.mountPoint ?? '';
  for (let tries = 1; !(await endDuringPause(mountPoint)); tries += 1) {
    assert.ok(tries < MOST_TRIES, 'the balance was always paused, or over, too early');
  }
});

test.run();
