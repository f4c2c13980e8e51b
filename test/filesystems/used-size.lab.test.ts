import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { measureUsedSpace } from '../../src/filesystems/used-size.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { inTime } from '../in-time.ts';
import { suite } from '../suite.ts';

await enterLab();

const test = suite('used space of real disks');

test('is what statfs says of each, images on another one apart', async () => {
  await using lab = await LabDisks.create([
    { type: 'ext4', sizeMb: 128 },
    { type: 'xfs' },
    { type: 'btrfs', devices: 2 },
    { type: 'ext4', sizeMb: 16, imageOn: 0 },
  ]);
  const used = lab.disks.map(({ mountPoint }) => {
    const { bsize, blocks, bfree } = statfsSync(mountPoint);
    return bsize * (blocks - bfree);
  });
  const space = await measureUsedSpace();
  const [first = 0, second = 0, third = 0, inImage = 0] = used;
  assert.is(space.partitionCount, 3);
  assert.is(space.totalUsedSizeInBytes, first + second + third);
  assert.is(space.figures.loopDevicesBytes, inImage);
  assert.is(space.isSizeComputationFailed, false);
});

/** Asks for one path that never answers, by a stat(1) in uninterruptible sleep, and one that does. */
const PROGRAM = `
  const { readUsedBytes } = await import(process.argv[1]);
  const eachMs = Number(process.argv[2]);
  const answers = await readUsedBytes(['stuck', '1 1 0'], { eachMs, allMs: 120_000 });
  console.log(JSON.stringify(answers));
`;

test('a statfs that hangs in the kernel does not keep the process from ending', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const mountPoint = lab.disks[0]?.mountPoint ?? '';
  const folder = '/run/fake-stat';
  await runCommand('mkdir', ['-p', folder]);
  const lines = [
    '#!/bin/sh',
    'for last; do :; done',
    `[ "$last" = stuck ] || { echo "$last"; exit; }`,
    `echo $$ >>${folder}/pid`,
    `: >${mountPoint}/late`,
  ];
  writeFileSync(join(folder, 'stat'), `${lines.join('\n')}\n`);
  chmodSync(join(folder, 'stat'), 0o755);
  await runCommand('fsfreeze', ['--freeze', mountPoint]);
  try {
    const module = join(import.meta.dirname, '../../src/filesystems/statfs.ts');
    const { status, stdout } = await inTime(
      0.5,
      async (limitS) =>
        spawnSync(process.execPath, ['--eval', PROGRAM, module, `${limitS * 1_000}`], {
          encoding: 'utf8',
          timeout: 120_000,
          env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
        }),
      (it) => it.stdout === '[null,1]\n',
    );
    assert.equal([status, stdout], [0, '[null,1]\n']);
    const pid = pidsIn(folder).at(-1);
    assert.match(readFileSync(`/proc/${pid}/stat`, 'utf8'), /^\d+ \(stat\) D /);
  } finally {
    await runCommand('fsfreeze', ['--unfreeze', mountPoint]);
    // Until then they keep the file system from being unmounted.
    while (pidsIn(folder).some((pid) => existsSync(`/proc/${pid}`))) {
      await delay(10);
    }
  }
});

function pidsIn(folder: string): string[] {
  return readFileSync(join(folder, 'pid'), 'utf8').trim().split('\n');
}

test.run();
