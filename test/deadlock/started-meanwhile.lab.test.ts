/** A daemon that a freeze waits for may have started after the plan was made. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { enterLab } from '../../src/lab/namespace.ts';
import { Rig } from '../commands/rig.ts';
import { RunningCommand } from '../faults/running-command.ts';
import { ScriptFiles } from '../quiesce/scripts/script-files.ts';
import { suite } from '../suite.ts';
import { DaemonProcess } from './daemon-process.ts';
import { Openers } from './openers.ts';
import { Watchdog } from './watchdog.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('daemon started meanwhile');
/** The plan is checked again 5.5 s before the start. */
const START_IN_MS = 14_000;
const WATCHDOG_SECONDS = 30;
const LOOK_AGAIN_MS = 20;

function configure(): void {
  mkdirSync('/etc/azure', { recursive: true });
  writeFileSync('/etc/azure/vmbackup.conf', '[Flashfreeze]\nwaveLimit = 1\n');
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await delay(LOOK_AGAIN_MS);
  }
}

test('a permission daemon that starts during the wait for the start time does not block the freeze permanently', async () => {
  configure();
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const mountPoint = rig.disks.disks[0]?.mountPoint ?? '';
  const at = new Date(Date.now() + START_IN_MS).toISOString();
  using command = RunningCommand.start([
    ...['snapshot', ...rig.blobArguments, '--no-settle', '--no-quiesce'],
    ...['--timeout', '20', '--at', at, '--json'],
  ]);
  await command.said('wait for the start time');
  // It logs to what it watches: no thaw releases a freeze that it blocks.
  const log = join(mountPoint, 'permission.log');
  await using daemon = await DaemonProcess.start('permission-daemon', [
    ...[mountPoint, log, '2', 'keep'],
  ]);
  await using openers = await Openers.start(mountPoint);
  await using watchdog = new Watchdog(WATCHDOG_SECONDS, openers.pids, [mountPoint]);
  const { stdout, stderr } = await command.ended;
  assert.ok(watchdog.isAsleep, `only the watchdog released it:\n${stdout}${stderr}`);
  await openers.progress();
  assert.ok(daemon.isRunning);
});

test('a permission daemon that starts while a pre-script runs does not block the freeze permanently', async () => {
  configure();
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const mountPoint = rig.disks.disks[0]?.mountPoint ?? '';
  const files = new ScriptFiles();
  const go = files.path('go');
  const pre = files.script('meanwhile.sh', `trace begun; until [ -e ${go} ]; do sleep 0.1; done`);
  const { pluginHost } = files.host([files.usual({ preScriptLocation: pre })]);
  using command = RunningCommand.start([
    ...['snapshot', ...rig.blobArguments, '--plugin-host', pluginHost],
    ...['--timeout', '20', '--json'],
  ]);
  await until(() => existsSync(files.trace));
  await using daemon = await DaemonProcess.start('permission-daemon', [
    ...[mountPoint, join(mountPoint, 'permission.log'), '2', 'keep'],
  ]);
  await using openers = await Openers.start(mountPoint);
  await using watchdog = new Watchdog(WATCHDOG_SECONDS, openers.pids, [mountPoint]);
  writeFileSync(go, '');
  const { stdout, stderr } = await command.ended;
  assert.ok(watchdog.isAsleep, `only the watchdog released it:\n${stdout}${stderr}`);
  await openers.progress();
  assert.ok(daemon.isRunning);
});

test('a permission daemon that is killed while a pre-script runs does not block processes that open what it watched', async () => {
  configure();
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'ext4' }]);
  const [watched = '', logged = ''] = rig.disks.disks.map(({ mountPoint }) => mountPoint);
  const file = join(watched, 'file');
  writeFileSync(file, 'content');
  await using daemon = await DaemonProcess.start('permission-daemon', [
    ...[watched, join(logged, 'permission.log'), '1', 'keep'],
  ]);
  const files = new ScriptFiles();
  const pre = files.script(
    'killing.sh',
    `kill -9 ${daemon.pid}; timeout -s KILL 10 cat ${file} && trace read`,
  );
  const { pluginHost } = files.host([files.usual({ preScriptLocation: pre })]);
  using command = RunningCommand.start([
    ...['snapshot', ...rig.blobArguments, '--plugin-host', pluginHost, '--json'],
  ]);
  const { exitCode, stdout, stderr } = await command.ended;
  assert.is(exitCode, 0, `${stdout}${stderr}`);
  assert.is(readFileSync(files.trace, 'utf8').split('\n')[0], 'read');
});

test.run();
