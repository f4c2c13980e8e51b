/** The example of `flashfreeze freeze` with az in src/docs/command-line.md, with a stand-in that writes as az does. */
import { chmod, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { type CommandResult, tryCommand } from '../../src/lab/run-command.ts';
import { MAIN } from '../commands/command-line.ts';
import { inTime } from '../in-time.ts';
import { suite } from '../suite.ts';
import { blocksOf, textOf } from './pages.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('az inside flashfreeze freeze');
const BLOCK =
  blocksOf(textOf('src/docs/command-line.md'), 'sh').find((it) =>
    it.includes('az snapshot create'),
  ) ?? '';

/** A home on a disk that is frozen, and the programs that the block calls. */
async function makeHome({ disks }: LabDisks): Promise<string> {
  const home = join(disks[0]?.mountPoint ?? '', 'home');
  await mkdir(join(home, '.azure'), { recursive: true });
  await mkdir('/run/programs');
  await copyFile(join(import.meta.dirname, 'fixtures/az-client.sh'), '/run/programs/az');
  const own = `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`;
  await writeFile('/run/programs/flashfreeze', own);
  await chmod('/run/programs/flashfreeze', 0o755);
  return home;
}

async function run(home: string, script: string): Promise<CommandResult> {
  const path = `/run/programs:${process.env.PATH}`;
  return await tryCommand('env', [`HOME=${home}`, `PATH=${path}`, 'sh', '-euc', script]);
}

test('ends with 0 as the page has it, and hangs until the time-out if az writes to a frozen home', async () => {
  await using disks = await LabDisks.create([{ type: 'ext4' }]);
  const home = await makeHome(disks);
  const good = await run(home, BLOCK);
  assert.is(good.code, 0, good.stderr);
  assert.is(good.stdout, '/subscriptions/s/snapshots/data0-full\n');
  assert.match(good.stderr, '✓ everything was frozen for the');
  assert.not.ok((await readdir('/run')).includes('az'));
  const line = BLOCK.replaceAll(/^(?:cp|export|rm) .*\n/gm, '');
  const words = 'A command that writes to a frozen file system hangs until the thaw';
  const bad = await inTime(
    1,
    (limitS) => run(home, line.replace('60', `${limitS}`)),
    ({ stderr }) => stderr.includes(words),
  );
  assert.is(bad.code, 125, bad.stderr);
  assert.match(bad.stderr, words);
});

test.run();
