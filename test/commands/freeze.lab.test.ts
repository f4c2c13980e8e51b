import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import type { FreezeSummary } from '../../src/report/freeze-summary.ts';
import { freezeSummarySchema } from '../../src/report/schemas/freeze-summary.ts';
import { inTime } from '../in-time.ts';
import { suite } from '../suite.ts';
import { type Ended, flashfreeze, MAIN } from './command-line.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['strace', 'dumpe2fs'] });

const test = suite('flashfreeze freeze');
const MIXED = [{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }] as const;

function summaryOf({ stdout }: Ended): FreezeSummary {
  return v.parse(freezeSummarySchema, JSON.parse(stdout));
}

function assertWritable(disks: LabDisks): void {
  for (const { mountPoint } of disks.disks) {
    writeFileSync(join(mountPoint, 'after'), 'writable again');
  }
}

/** A shell script that ends with 0 if every mount point is frozen: a second freeze is refused. */
function isFrozen(disks: LabDisks): string {
  const refused = disks.disks.map(({ mountPoint }) => `! fsfreeze --freeze ${mountPoint}`);
  return refused.join(' && ');
}

test('runs the command while everything is frozen, and thaws', async () => {
  await using disks = await LabDisks.create(MIXED);
  const ended = await flashfreeze(['freeze', '--json', '--', 'sh', '-c', isFrozen(disks)]);
  const { held, command, fileSystems, barrier, problems } = summaryOf(ended);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.ok(held);
  assert.is(command.exitCode, 0);
  assert.match(command.stderr, 'Device or resource busy');
  assert.is(fileSystems.length, 3);
  assert.ok(fileSystems.every(({ windowMs }) => (windowMs ?? 0) >= (command.durationMs ?? 0)));
  assert.type(barrier, 'string');
  assert.equal(problems, []);
  assertWritable(disks);
});

test('what is not selected is not frozen: the script above notices', async () => {
  await using disks = await LabDisks.create(MIXED);
  const mountPoint = disks.disks[0]?.mountPoint ?? '';
  const other = disks.disks[1]?.mountPoint ?? '';
  const script = `fsfreeze --freeze ${other} && fsfreeze --unfreeze ${other}`;
  const ended = await flashfreeze(['freeze', '--mount', mountPoint, '--', 'sh', '-c', script]);
  assert.is(ended.exitCode, 0, ended.stderr);
});

test('passes on exit code and output, byte for byte, and tells of the freeze on standard error', async () => {
  await using disks = await LabDisks.create([{ type: 'ext4' }]);
  const script = "printf 'out\\000\\n'; echo err >&2; exit 7";
  const ended = await flashfreeze(['freeze', '--quiet', '--', 'sh', '-c', script]);
  assert.is(ended.exitCode, 7);
  assert.is(ended.stdout, 'out\0\n');
  assert.match(ended.stderr, /^err\n/);
  assert.match(ended.stderr, 'exit code 7');
  assertWritable(disks);
});

test('the exit code of a command that a signal ends is 128 + n', async () => {
  await using _disks = await LabDisks.create([{ type: 'ext4' }]);
  const ended = await flashfreeze(['freeze', '--', 'sh', '-c', 'kill -USR1 $$']);
  assert.is(ended.exitCode, 128 + 10, ended.stderr);
});

test('a command that cannot be started: as a shell says it, and nothing is frozen', async () => {
  await using disks = await LabDisks.create([{ type: 'ext4' }]);
  const file = join(disks.disks[0]?.mountPoint ?? '', 'no-program');
  writeFileSync(file, 'text');
  for (const [program, exitCode, code] of [
    ['/nowhere/program', 127, 'FF_COMMAND_NOT_FOUND'],
    ['no-such-program', 127, 'FF_COMMAND_NOT_FOUND'],
    [file, 126, 'FF_COMMAND_NOT_EXECUTABLE'],
  ] as const) {
    const ended = await flashfreeze(['freeze', '--', program]);
    assert.is(ended.exitCode, exitCode, ended.stderr);
    assert.match(ended.stderr, code);
    assert.not.match(ended.stderr, 'settle');
  }
});

test('a program and a script that lie on what is frozen can be run, and read there', async () => {
  await using disks = await LabDisks.create(MIXED);
  for (const { mountPoint } of disks.disks) {
    const [program, script, text] = ['program', 'script', 'text'].map((it) => join(mountPoint, it));
    copyFileSync('/bin/cat', program ?? '');
    writeFileSync(text ?? '', 'content');
    writeFileSync(script ?? '', `#!/bin/sh\nexec ${program} ${text}\n`, { mode: 0o755 });
    const ended = await flashfreeze(['freeze', '--quiet', '--timeout', '30', '--', script ?? '']);
    assert.is(ended.exitCode, 0, ended.stderr);
    assert.is(ended.stdout, 'content');
  }
});

test('a command that writes to what is frozen: the time-out thaws, and says why', async () => {
  await using disks = await LabDisks.create(MIXED);
  const file = join(disks.disks[0]?.mountPoint ?? '', 'written');
  const writing = ['--json', '--', 'sh', '-c', `echo x > ${file}`];
  const ended = await inTime(
    1,
    (limitS) => flashfreeze(['freeze', '--timeout', `${limitS}`, ...writing]),
    (it) => summaryOf(it).command.started,
  );
  const { held, problems, command } = summaryOf(ended);
  assert.is(ended.exitCode, 125);
  assert.not.ok(held);
  assert.ok(command.started);
  assert.match(problems.join('\n'), 'writes to a frozen file system');
  assertWritable(disks);
});

test('a signal thaws at once and ends the command', async () => {
  await using disks = await LabDisks.create(MIXED);
  const begun = '/lab/begun';
  const child = spawn(
    process.execPath,
    [MAIN, 'freeze', '--', 'sh', '-c', `: >${begun}; exec sleep 60`],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close');
  // What the command prints is passed on when all is over.
  while (!existsSync(begun) && child.exitCode === null) {
    await delay(10);
  }
  child.kill('SIGTERM');
  const [exitCode] = (await ended) as [number | null];
  assert.is(exitCode, 143, stderr);
  assert.match(stderr, 'Ended by SIGTERM');
  assertWritable(disks);
});

test('nothing is forked between the freeze and the command, and it alone is executed', async () => {
  await using _disks = await LabDisks.create(MIXED);
  const log = '/lab/strace.log';
  const traced = 'trace=ioctl,execve,clone,clone3,fork,vfork';
  const ended = await flashfreeze(['freeze', '--', 'true'], {
    under: ['strace', '-f', '-qq', '-e', traced, '-e', 'signal=none', '-o', log],
  });
  assert.is(ended.exitCode, 0, ended.stderr);
  const lines = readFileSync(log, 'utf8').split('\n');
  const first = lines.findIndex((line) => line.includes('FIFREEZE'));
  const last = lines.findIndex((line) => line.includes('FITHAW'));
  assert.ok(first > 0 && last > first);
  const inside = lines
    .slice(first, last)
    .filter((line) => /\b(execve|clone3?|v?fork)\(/.test(line));
  assert.is(inside.length, 1, inside.join('\n'));
  assert.match(inside[0] ?? '', /execve\("[^"]*\/true"/);
});

/** What ext4's superblock says: `needs_recovery` where its journal has to be replayed. */
async function featuresOf(image: string): Promise<string> {
  const header = await runCommand('dumpe2fs', ['-h', image]);
  return /^Filesystem features:(.*)$/m.exec(header)?.[1] ?? '';
}

test('the example with cp --reflink: the copied image is clean, the one copied without a freeze is not', async () => {
  await using disks = await LabDisks.create([
    { type: 'xfs', sizeMb: 640 },
    { type: 'ext4', imageOn: 0 },
  ]);
  const [holder, inner] = disks.disks;
  const image = inner?.imagePath ?? '';
  const mountPoint = inner?.mountPoint ?? '';
  const copy = (name: string): string => join(holder?.mountPoint ?? '', name);
  writeFileSync(join(mountPoint, 'file'), 'content');
  const cp = ['cp', '--reflink=always', image, copy('frozen.img')];
  const ended = await flashfreeze(['freeze', '--mount', mountPoint, '--', ...cp]);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.not.match(await featuresOf(copy('frozen.img')), 'needs_recovery');
  await runCommand('cp', ['--reflink=always', image, copy('running.img')]);
  assert.match(await featuresOf(copy('running.img')), 'needs_recovery');
});

test('refuses a line without a command, and options it does not know', async () => {
  const without = await flashfreeze(['freeze']);
  assert.is(without.exitCode, 125);
  assert.match(without.stderr, 'command');
  const unknown = await flashfreeze(['freeze', '--moutn', '/x', '--', 'true']);
  assert.is(unknown.exitCode, 125);
  assert.match(unknown.stderr, '--mount');
  assert.is((await flashfreeze(['freeze', '--help'])).exitCode, 0);
});

test.run();
