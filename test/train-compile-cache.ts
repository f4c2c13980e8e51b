/**
 * Writes a tar of Node's compile cache to standard output, as the commands that most tests in labs run leave it.
 * Nothing that is written in a lab is kept, so that without it every process in a lab compiles anew what no process
 * outside has used.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { enterLab } from '../src/lab/namespace.ts';
import { flashfreeze } from './commands/command-line.ts';
import { Rig } from './commands/rig.ts';
import { ManagedScene } from './snapshot/managed/fixtures/scene.ts';

const CACHE = '/lab/compile-cache';

await enterLab({ lifetimeSeconds: 120 });
process.env.NODE_COMPILE_CACHE = CACHE;
await mkdir(CACHE);
// First what uses most: a process that finds a file's code in the cache adds nothing to it.
{
  await using scene = await ManagedScene.create([{ type: 'ext4' }, { type: 'ext4' }]);
  const managed = ['snapshot', '--managed', '--json'];
  await succeeds(...managed);
  await succeeds(...managed, '--restore-point', 'daily');
  await scene.lab.requests();
}
{
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  await succeeds('snapshot', ...rig.blobArguments);
}
const tar = spawn('tar', ['--create', `--directory=${CACHE}`, '.'], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
process.exitCode = ((await once(tar, 'close')) as [number | null])[0] ?? 1;

async function succeeds(...args: readonly string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await flashfreeze(args);
  if (exitCode !== 0) {
    process.stderr.write(`flashfreeze ${args[0]} ended with ${exitCode}: ${stdout}${stderr}`);
  }
}
