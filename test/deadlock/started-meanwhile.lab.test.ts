/** What a freeze comes to wait for may have started after the plan was made. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Rig } from '../commands/rig.ts';
import { RunningCommand } from '../faults/running-command.ts';
import { enterLab } from '../lab/namespace.ts';
import { suite } from '../suite.ts';
import { DaemonProcess } from './daemon-process.ts';
import { Openers } from './openers.ts';
import { Watchdog } from './watchdog.ts';

await enterLab({ lifetimeSeconds: 120 });

const test = suite('daemon started meanwhile');
/** Looking again happens 5.5 s before the start. */
const START_IN_MS = 14_000;
const WATCHDOG_SECONDS = 30;

test(
  'a permission daemon that starts while the start time is waited for does not hold the freeze up for ever',
  async () => {
    mkdirSync('/etc/azure', { recursive: true });
    writeFileSync('/etc/azure/vmbackup.conf', '[Flashfreeze]\nwaveLimit = 1\n');
    await using rig = await Rig.create([{ type: 'ext4' }]);
    const mountPoint = rig.disks.disks[0]?.mountPoint ?? '';
    const at = new Date(Date.now() + START_IN_MS).toISOString();
    using command = RunningCommand.start([
      ...['snapshot', ...rig.blobArguments, '--no-settle', '--no-quiesce'],
      ...['--timeout', '20', '--at', at, '--json'],
    ]);
    await command.said('wait for the start time');
    // It logs to what it watches: no thaw releases a freeze that it holds up.
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
  },
  { timeLimitMs: 100_000 },
);

test.run();
