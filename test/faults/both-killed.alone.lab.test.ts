import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { gracePeriods } from '../../bench/faults/remains.ts';
import { waitsForThaw } from '../../bench/faults/strike.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { Rig } from '../commands/rig.ts';
import { Watchdog } from '../deadlock/watchdog.ts';
import { gone } from '../freezer/frozen-worker.ts';
import { ScriptFiles } from '../quiesce/scripts/script-files.ts';
import { suite } from '../suite.ts';
import { guardianOf } from './processes.ts';
import { RunningCommand, type StartOptions } from './running-command.ts';
import { slowly, untilFreezing } from './slow-freeze.ts';
import { untilRequested } from './watch-requests.ts';
import { probesOf, type WriteProbe } from './write-probe.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['strace'] });

const test = suite('worker and guardian both killed');

/** It thaws whatever became of the test, because a thread may be stuck until then. */
const WATCHDOG_S = 300;
/** So long a run holds everything frozen, unless it is ended: longer than anything here takes. */
const HELD_S = '240';
const SABOTEUR = join(import.meta.dirname, 'fixtures/saboteur.ts');

async function killBoth(command: RunningCommand): Promise<void> {
  await sendBothKill(command);
  // Until it has ended, it keeps the file systems open.
  await command.exited;
}

/** The guardian is stopped first, so that it cannot thaw between the two deaths. Resolves when it has ended. */
async function sendBothKill(command: RunningCommand): Promise<void> {
  const guardian = guardianOf(command.pid);
  if (guardian === undefined) {
    throw new Error('there is no guardian');
  }
  process.kill(guardian, 'SIGSTOP');
  command.signal('SIGKILL');
  process.kill(guardian, 'SIGKILL');
  await gone(guardian);
}

/** Whether the write goes through within a second. */
async function isDone(write: Promise<unknown>): Promise<boolean> {
  const done = write.then(() => true);
  return await Promise.race([done, delay(1_000, false, { ref: false })]);
}

async function withProbes(
  rig: Rig,
  use: (probes: readonly WriteProbe[]) => Promise<void>,
): Promise<void> {
  const probes = probesOf(rig.disks.disks);
  try {
    await use(probes);
  } finally {
    for (const probe of probes) {
      probe[Symbol.dispose]();
    }
  }
}

/** Starts a run that stays in its window, everything frozen. */
async function startAndHold(
  rig: Rig,
  more: readonly string[] = [],
  options: StartOptions = {},
): Promise<RunningCommand> {
  for (const { index } of rig.disks.disks) {
    await rig.server.setFault({
      blob: `disk${index}`,
      at: 'request',
      fault: { kind: 'no-answer', handled: false },
    });
  }
  const command = RunningCommand.start(
    ['snapshot', ...rig.blobArguments, ...['--timeout', HELD_S, '--patience', HELD_S], ...more],
    options,
  );
  for (const { index } of rig.disks.disks) {
    await untilRequested(
      rig.server,
      command,
      (it) => it.fault === 'no-answer' && it.blob === `disk${index}`,
    );
  }
  return command;
}

for (const next of ['snapshot', 'thaw']) {
  test(`what they left frozen stays so until the next start, here of "${next}"`, async () => {
    await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
    using command = await startAndHold(rig);
    await killBoth(command);
    await rig.server.clearFaults();
    await withProbes(rig, async (probes) => {
      const writes = probes.map((probe) => probe.write());
      assert.is(await isDone(Promise.any(writes)), false, 'somebody else has thawed');
      const [first] = rig.disks.disks;
      const args = next === 'thaw' ? [first?.mountPoint ?? ''] : [...rig.blobArguments, '--json'];
      const ended = await flashfreeze([next, ...args]);
      assert.is(ended.exitCode, 0, ended.stderr);
      assert.match(ended.stderr, 'died between freeze and thaw');
      await Promise.all(writes);
    });
    const again = await flashfreeze(['snapshot', ...rig.blobArguments]);
    assert.not.match(again.stderr, 'died');
    assert.is(again.exitCode, 0, again.stderr);
  });
}

test('a run whose main thread waits for a thaw when it is killed is recovered too, and its post-script runs at once', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const mountPoints = rig.disks.disks.map(({ mountPoint }) => mountPoint);
  const scripts = new ScriptFiles();
  const { pluginHost } = scripts.host([scripts.usual()]);
  using command = await startAndHold(rig, ['--plugin-host', pluginHost], {
    environment: {
      NODE_OPTIONS: `--import=${SABOTEUR}`,
      FLASHFREEZE_TEST_SABOTAGE: `blocked-write main ${join(mountPoints[0] ?? '', 'blocked')}`,
    },
  });
  await using _watchdog = new Watchdog(WATCHDOG_S, [], mountPoints);
  command.signal('SIGUSR2');
  while (!waitsForThaw(command.pid)) {
    await delay(5);
  }
  await sendBothKill(command);
  await rig.server.clearFaults();
  await withProbes(rig, async (probes) => {
    const writes = probes.map((probe) => probe.write());
    assert.is(await isDone(Promise.any(writes)), false, 'another process has thawed');
    assert.ok(command.isRunning, 'it did not wait for a thaw');
    const ended = await flashfreeze(['plan']);
    assert.match(ended.stderr, `thawed now: ${mountPoints.join(', ')}`);
    await Promise.all(writes);
  });
  assert.match(readFileSync(scripts.trace, 'utf8'), /^pre.*\npost.*\n$/);
  await command.exited;
});

test('a run that waits for another one thaws what that left frozen when it dies, and then runs its post-script', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const [first] = rig.disks.disks;
  const files = new ScriptFiles();
  // It writes to what the dead run left frozen.
  const postScriptLocation = files.script('q', `echo x >${first?.mountPoint}/q; trace post`);
  const { pluginHost } = files.host([files.usual({ postScriptLocation })]);
  using command = await startAndHold(rig, ['--plugin-host', pluginHost]);
  const args = ['snapshot', ...rig.blobArguments, '--plugin-host', pluginHost, '--json'];
  using waiting = RunningCommand.start(args);
  await waiting.said('waiting for another run');
  await rig.server.clearFaults();
  await withProbes(rig, async (probes) => {
    await killBoth(command);
    const { exitCode, stderr } = await waiting.ended;
    assert.is(exitCode, 0, stderr);
    assert.match(stderr, 'died between freeze and thaw');
    await Promise.all(probes.map((probe) => probe.write()));
  });
  assert.equal(readFileSync(files.trace, 'utf8').trim().split('\n'), [
    'pre',
    'post',
    'pre',
    'post',
  ]);
});

test('grace periods that they left expedited are put back by the next start', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const mountPoint = rig.disks.disks[0]?.mountPoint ?? '';
  const former = gracePeriods();
  using command = RunningCommand.start(['snapshot', ...rig.blobArguments], {
    under: slowly([mountPoint], 500, '/lab/strace.log'),
  });
  await untilFreezing(command);
  await killBoth(command);
  assert.is(gracePeriods(), '1', 'somebody else has put them back');
  const ended = await flashfreeze(['thaw', mountPoint]);
  const left = gracePeriods();
  await runCommand('sh', ['-c', `echo ${former} >/sys/kernel/rcu_expedited`]);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.is(left, former, ended.stderr);
});

test('a freeze that somebody else began after the death of a run is left alone', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'ext4' }]);
  const mountPoint = rig.disks.disks[1]?.mountPoint ?? '';
  using command = await startAndHold(rig);
  const guardian = guardianOf(command.pid);
  command.signal('SIGKILL');
  await command.exited;
  await rig.server.clearFaults();
  await withProbes(rig, async ([, probe]) => {
    // The guardian has thawed everything.
    await probe?.write();
    while (guardian !== undefined && isAlive(guardian)) {
      await delay(5);
    }
    await runCommand('fsfreeze', ['--freeze', mountPoint]);
    const write = probe?.write() ?? Promise.resolve();
    const ended = await flashfreeze(['snapshot', ...rig.blobArguments, '--json']);
    const isThawed = await isDone(write);
    await runCommand('sh', ['-c', `fsfreeze --unfreeze ${mountPoint} || true`]);
    await write;
    assert.is(isThawed, false, `the other freeze was ended: ${ended.stderr}`);
    assert.is(ended.exitCode, 1, ended.stderr);
    assert.is((JSON.parse(ended.stdout) as RunSummary).code, 121);
  });
});

/** A start near enough for everything to be made ready at once; if it came too soon, there is another run. */
async function killBeforeFreeze(rig: Rig): Promise<void> {
  for (let seconds = 10; ; seconds += 10) {
    const at = Date.now() + seconds * 1_000;
    const args = ['snapshot', ...rig.blobArguments, '--at', new Date(at).toISOString()];
    using command = RunningCommand.start(args);
    await command.said('settle took');
    if (Date.now() < at - 2_000) {
      await killBoth(command);
      return;
    }
    await command.ended;
    assert.ok(seconds < 60, 'no run was ready in time');
  }
}

test('so is one of a file system that the run had not come to freeze', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'ext4' }]);
  const [first, second] = rig.disks.disks.map(({ mountPoint }) => mountPoint);
  await killBeforeFreeze(rig);
  await withProbes(rig, async ([, probe]) => {
    await runCommand('fsfreeze', ['--freeze', second ?? '']);
    const write = probe?.write() ?? Promise.resolve();
    const ended = await flashfreeze(['thaw', first ?? '']);
    const isThawed = await isDone(write);
    await runCommand('sh', ['-c', `fsfreeze --unfreeze ${second} || true`]);
    await write;
    assert.match(ended.stderr, 'nothing was left frozen');
    assert.is(isThawed, false, `the other freeze was ended: ${ended.stderr}`);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.run();
