import { chmod, mkdir, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { enterLab } from '../../src/lab/namespace.ts';
import { planSummarySchema } from '../../src/report/schemas/plan-summary.ts';
import { runSummarySchema } from '../../src/report/schemas/run-summary.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { Rig } from '../commands/rig.ts';
import { RunningCommand } from '../faults/running-command.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('clock of a run');

const GOOD =
  '50544D30,PTM0,1,1795948929.1,-0.000012000,0.0,0.0,0.1,0.0,0.0,0.000010000,0.000100000,16.2,Normal';
const BAD =
  '00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.000000000,1.000000000,0.0,Not synchronised';

/** From now on chronyc says this. */
async function chronySays(tracking: string): Promise<void> {
  await mkdir('/run/clock', { recursive: true });
  await writeFile('/run/clock/chronyc', `#!/bin/sh\necho '${tracking}'\n`);
  await chmod('/run/clock/chronyc', 0o755);
  process.env.PATH = `/run/clock:${process.env.PATH}`;
}

function inSeconds(seconds: number): string {
  return new Date(Date.now() + seconds * 1_000).toISOString();
}

test('a run, its plan and doctor say how far the clock is off', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  await chronySays(GOOD);
  const clock = { synchronized: true, source: 'chrony', aheadMs: 0.012, maxErrorMs: 0.117 };
  const at = ['--at', inSeconds(5)];
  const ran = await flashfreeze(['snapshot', ...rig.blobArguments, ...at, '--json']);
  const summary = v.parse(runSummarySchema, JSON.parse(ran.stdout));
  assert.equal(summary.clock, clock);
  assert.not.match(summary.warnings.join('\n'), 'clock');
  const sentence = '0.012 ms ahead of true time, at most 0.117 ms off (chrony)';
  assert.match((await flashfreeze(['report'])).stdout, `clock of this machine: ${sentence}`);
  const planned = await flashfreeze(['plan', '--json']);
  assert.equal(v.parse(planSummarySchema, JSON.parse(planned.stdout)).clock, clock);
  assert.match((await flashfreeze(['plan'])).stdout, `clock: ${sentence}`);
  assert.match((await flashfreeze(['doctor'])).stdout, `✓ clock: ${sentence}`);
});

test('a scheduled start with a clock that is not synchronized is a warning; another start is none', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  await chronySays(BAD);
  const run = ['snapshot', ...rig.blobArguments, '--json'];
  const scheduled = await flashfreeze([...run, '--at', inSeconds(5)]);
  const { clock, warnings } = v.parse(runSummarySchema, JSON.parse(scheduled.stdout));
  assert.is(clock?.synchronized, false);
  assert.is(warnings.filter((it) => it.startsWith('the clock: not synchronized')).length, 1);
  assert.match(scheduled.stderr, 'the clock: not synchronized (chrony)');
  const atOnce = v.parse(runSummarySchema, JSON.parse((await flashfreeze(run)).stdout));
  assert.is(atOnce.clock?.synchronized, false);
  assert.equal(atOnce.warnings, []);
});

test('a start far ahead: the user who typed it hears at once that the clock is wrong', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  await chronySays(BAD);
  const args = ['snapshot', ...rig.blobArguments, '--at', inSeconds(3_600)];
  using command = RunningCommand.start(args);
  await command.said('everything is ready');
  command.signal('SIGTERM');
  assert.match((await command.ended).stderr, 'the clock: not synchronized (chrony)');
});

/** To be loaded before flashfreeze: sets its wall clock back by an hour as soon as it has flushed and holds everything. */
const SETS_CLOCK_BACK = `
  import process from 'node:process';
  const write = process.stderr.write.bind(process.stderr);
  const now = Date.now;
  process.stderr.write = (text, ...rest) => {
    if (String(text).includes('settle took')) {
      Date.now = () => now() - 3_600_000;
    }
    return write(text, ...rest);
  };`;

test('the clock is set back by an hour shortly before the start: the run does not hold everything for an hour', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const hook = '/run/clock-back.mjs';
  await writeFile(hook, SETS_CLOCK_BACK);
  const at = ['--at', inSeconds(7)];
  const ended = await flashfreeze(['snapshot', ...rig.blobArguments, ...at, '--json'], {
    under: ['timeout', '--signal=TERM', '300', 'env', `NODE_OPTIONS=--import=${hook}`],
  });
  assert.is(ended.exitCode, 0, ended.stderr);
  const { consistency, warnings } = v.parse(runSummarySchema, JSON.parse(ended.stdout));
  assert.is(consistency, 'fileSystemConsistent');
  assert.match(warnings.join('\n'), /started 35\d\d\.\d s before .* the clock was set back/);
});

test.run();
