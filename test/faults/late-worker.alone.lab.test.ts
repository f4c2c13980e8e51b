import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { enterLab } from '../../src/lab/namespace.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { Rig } from '../commands/rig.ts';
import { suite } from '../suite.ts';
import { type Ending, RunningCommand } from './running-command.ts';
import { slowly, untilFreezing } from './slow-freeze.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['strace'] });

const test = suite('worker that is late');
const SABOTEUR = join(import.meta.dirname, 'fixtures/saboteur.ts');
const TIMEOUT_S = 0.8;
const DISTURBED_MS = 1_800;
const FREEZE_DELAY_MS = 200;
/** It waits 2 s at a time for a guardian that is gone. */
const END_LIMIT_MS = 120_000;

/**
 * A run whose first wave (a file system in an image) freezes slowly and is frozen while the worker
 * hears of nothing until long after the deadline: then it is told of the freeze before it is told that the
 * time is over.
 */
async function disturbInFirstWave(disturb: (command: RunningCommand) => void): Promise<Ending> {
  await using rig = await Rig.create([
    { type: 'ext4', sizeMb: 96 },
    { type: 'ext4', sizeMb: 24, imageOn: 0 },
  ]);
  const [url = ''] = rig.server.urls;
  // If the disturbance itself is late, the window is still open: no answer ends it.
  const fault = { kind: 'no-answer', handled: false } as const;
  await rig.server.setFault({ blob: 'disk0', at: 'request', fault });
  const inImage = rig.disks.disks[1]?.mountPoint ?? '';
  using command = RunningCommand.start(
    ['snapshot', '--blob', url, '--timeout', String(TIMEOUT_S), '--json'],
    {
      under: slowly([inImage], FREEZE_DELAY_MS, '/lab/strace.log'),
      environment: {
        NODE_OPTIONS: `--import=${SABOTEUR}`,
        FLASHFREEZE_TEST_SABOTAGE: `busy-loop ${DISTURBED_MS}`,
      },
    },
  );
  await untilFreezing(command);
  disturb(command);
  const ending = await Promise.race([
    command.ended,
    delay(END_LIMIT_MS, undefined, { ref: false }),
  ]);
  assert.ok(ending, `the run does not end:\n${command.stderr}`);
  return ending;
}

function assertOrderly({ exitCode, stdout, stderr }: Ending): void {
  assert.is(exitCode, 1, stderr);
  // Node itself says such things, at once, wherever standard error leads.
  assert.not.match(stderr, 'Warning');
  assert.not.match(stderr, 'FF_INTERNAL');
  const { consistency, code, problems } = JSON.parse(stdout) as RunSummary;
  assert.is(consistency, 'none');
  // 76: the request had left, because the freeze had succeeded before the disturbance.
  assert.ok([76, 121, 122].includes(code ?? 0), String(code));
  assert.ok(problems.length > 0);
}

test('a first wave that froze while the event loop was blocked past the deadline ends the run in order', async () => {
  assertOrderly(await disturbInFirstWave((command) => command.signal('SIGUSR2')));
});

test('so does one that froze right before the worker was stopped past the deadline', async () => {
  const ending = await disturbInFirstWave((command) => {
    setTimeout(() => command.signal('SIGSTOP'), FREEZE_DELAY_MS);
    setTimeout(() => command.signal('SIGCONT'), DISTURBED_MS);
  });
  assertOrderly(ending);
});

test.run();
