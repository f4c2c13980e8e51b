import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { FileLock } from '../../src/system/file-lock.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('freeze lock on a frozen file system');
/** A waiter that hangs hangs for ever. */
const LIMIT_MS = 120_000;
const WAITER = join(import.meta.dirname, 'fixtures', 'lock-waiter.ts');

test('the second process waits for the lock, not for the thaw', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const mountPoint = lab.disks[0]?.mountPoint ?? '';
  const path = join(mountPoint, 'azure', 'lock');
  using _held = await FileLock.acquire({ path });
  await runCommand('fsfreeze', ['--freeze', mountPoint]);
  const waiter = spawn(process.execPath, [WAITER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  waiter.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await Promise.race([once(waiter, 'close'), delay(LIMIT_MS, undefined, { ref: false })]);
  await runCommand('fsfreeze', ['--unfreeze', mountPoint]);
  assert.is(said, 'FF_LOCK_TIMEOUT');
});

test.run();
