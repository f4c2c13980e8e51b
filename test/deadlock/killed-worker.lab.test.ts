/** A worker is killed while its FIFREEZE is stuck and no FITHAW helps: the guardian pulls the lever. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { LEVER_GRACE_MS, LEVER_LIMIT_MS } from '../../src/freezer/last-lever.ts';
import { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { LAB_TLS } from '../../src/lab/lab-paths.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { guardianOf } from '../faults/processes.ts';
import { RunningCommand } from '../faults/running-command.ts';
import { gone } from '../freezer/frozen-worker.ts';
import { suite } from '../suite.ts';
import type { DeadlockScenario } from './scenario.ts';
import { cycle, selfWatch, silentDaemon } from './scenarios.ts';
import { getsStuck } from './stuck-freeze.ts';

await enterLab();

const test = suite('worker killed in a deadlock');
/** For the guardian to see the death and to pull the lever; a later pull does no harm, because it is repeated. */
const PULLED_MS = 1_000;

function configure(...settings: readonly string[]): void {
  mkdirSync('/etc/azure', { recursive: true });
  // Long, so that the worker does not break the freeze itself.
  const lines = ['[Flashfreeze]', 'waveLimit = 40', ...settings, ''];
  writeFileSync('/etc/azure/vmbackup.conf', lines.join('\n'));
}

/** Kills the command in the middle of it; resolves to its guardian. Rejects if none of several tries got stuck. */
async function killStuckCommand({ disks }: DeadlockScenario): Promise<number> {
  await using server = await BlobServer.start({
    blobs: disks.map(({ imagePath }, index) => ({ name: `disk${index}`, imagePath })),
    snapshotContent: 'none',
    certificate: {
      caPath: LAB_TLS.caCertificate,
      certPath: LAB_TLS.certificate,
      keyPath: LAB_TLS.key,
    },
  });
  for (let tries = 0; tries < 10; tries += 1) {
    using command = RunningCommand.start([
      ...['snapshot', '--no-settle', '--json'],
      ...server.urls.flatMap((url) => ['--blob', url]),
    ]);
    await command.said('arm took');
    // A freeze succeeds by chance, now and then.
    if ((await getsStuck(command.pid)) && command.isRunning) {
      const guardian = guardianOf(command.pid);
      command.signal('SIGKILL');
      return guardian ?? 0;
    }
    await command.ended;
  }
  throw new Error('no freeze got stuck');
}

const DEADLOCKS = [
  ['a daemon that logs to what it watches', selfWatch],
  ['a cycle', cycle],
] as const;

for (const [name, make] of DEADLOCKS) {
  test(`${name}: the guardian answers on the daemon’s behalf, and all processes continue`, async () => {
    // With deny, the test's own write below could get the answer that is meant for the openers.
    configure('lastLever = allow');
    await using scenario = await make();
    await scenario.dirty(scenario.disks.length - 1);
    const guardian = await killStuckCommand(scenario);
    await scenario.goesOn();
    await gone(guardian);
    assert.ok(scenario.watchdog.isAsleep);
    assert.ok(scenario.permissionDaemon?.isRunning);
  });
}

test('a daemon that becomes visible only after the lever was pulled without effect: the guardian pulls it again', async () => {
  configure('lastLever = deny');
  await using scenario = await silentDaemon();
  const guardian = await killStuckCommand(scenario);
  await delay(LEVER_GRACE_MS + LEVER_LIMIT_MS + PULLED_MS);
  assert.is(scenario.openers?.refused, 0, 'the first pull has helped');
  scenario.permissionDaemon?.show();
  await gone(guardian);
  assert.ok(scenario.watchdog.isAsleep);
  assert.ok((scenario.openers?.refused ?? 0) > 0);
});

test('a cycle without the lever stays stuck until the openers are ended (negative control)', async () => {
  configure('lastLever = off');
  await using scenario = await cycle();
  await scenario.dirty(1);
  const guardian = await killStuckCommand(scenario);
  const goesOn = scenario.goesOn().then(() => true);
  assert.is(await Promise.race([goesOn, delay(3_000, false)]), false);
  scenario.openers?.kill();
  await gone(guardian);
  assert.ok(scenario.watchdog.isAsleep);
});

test.run();
