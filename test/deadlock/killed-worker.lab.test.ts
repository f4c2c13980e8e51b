/** A worker that is killed while its FIFREEZE is stuck where no FITHAW helps: the guardian has the lever. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { RunningCommand } from '../faults/running-command.ts';
import { BlobServer } from '../lab/blob-server/blob-server.ts';
import { LAB_TLS } from '../lab/lab-paths.ts';
import { enterLab } from '../lab/namespace.ts';
import { suite } from '../suite.ts';
import { selfWatch } from './scenarios.ts';

await enterLab();

const test = suite('worker killed in a deadlock');
const LOOK_AGAIN_MS = 50;
/** In a row; a freeze that is not stuck is over long before. */
const LOOKS = 10;

function configure(...settings: readonly string[]): void {
  mkdirSync('/etc/azure', { recursive: true });
  // Long, so that the worker does not break the freeze itself.
  const lines = ['[Flashfreeze]', 'waveLimit = 40', ...settings, ''];
  writeFileSync('/etc/azure/vmbackup.conf', lines.join('\n'));
}

function isFreezing(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).some((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/stack`, 'utf8').includes('freeze_super'),
  );
}

/** Whether the command got stuck; false where the freeze slipped through, which happens. */
async function getsStuck(command: RunningCommand): Promise<boolean> {
  await command.said('arm took');
  let looks = 0;
  while (looks < LOOKS && command.isRunning) {
    looks = isFreezing(command.pid) ? looks + 1 : 0;
    await delay(LOOK_AGAIN_MS);
  }
  return command.isRunning;
}

/** Kills the command in the middle of it; false where no try of several got stuck. */
async function killStuckCommand(imagePath: string): Promise<boolean> {
  await using server = await BlobServer.start({
    blobs: [{ name: 'disk0', imagePath }],
    snapshotContent: 'none',
    certificate: {
      caPath: LAB_TLS.caCertificate,
      certPath: LAB_TLS.certificate,
      keyPath: LAB_TLS.key,
    },
  });
  for (let tries = 0; tries < 10; tries += 1) {
    using command = RunningCommand.start([
      ...['snapshot', '--blob', server.urls[0] ?? ''],
      ...['--no-settle', '--json'],
    ]);
    if (await getsStuck(command)) {
      command.signal('SIGKILL');
      return true;
    }
    await command.ended;
  }
  return false;
}

test(
  'the guardian answers in the daemon’s place, and everybody goes on',
  async () => {
    // Denied, the test's own write below could get the answer that is meant for the openers.
    configure('lastLever = allow');
    await using scenario = await selfWatch();
    await scenario.dirty(0);
    assert.ok(await killStuckCommand(scenario.disks[0]?.imagePath ?? ''), 'never got stuck');
    await scenario.goesOn();
    assert.ok(scenario.watchdog.isAsleep);
    assert.ok(scenario.permissionDaemon?.isRunning);
  },
  { timeLimitMs: 90_000 },
);

test.run();
