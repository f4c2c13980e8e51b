import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { JOURNAL_DIRECTORY } from '../../src/backup/journal/journal.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand, tryCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';
import { suite } from '../suite.ts';
import { flashfreeze } from './command-line.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('flashfreeze thaw');

async function freezeByOthers(mountPoint: string): Promise<void> {
  await runCommand('fsfreeze', ['--freeze', mountPoint]);
}

/** Whether fsfreeze(8) still finds it frozen; thaws it by looking. */
async function wasStillFrozen(mountPoint: string): Promise<boolean> {
  return (await tryCommand('fsfreeze', ['--unfreeze', mountPoint])).code === 0;
}

/** What a run that was killed while frozen leaves behind. */
async function leaveJournalOfDeadRun(mountPoint: string, device: string): Promise<string> {
  const child = spawn('true', { stdio: 'ignore' });
  await once(child, 'exit');
  mkdirSync(JOURNAL_DIRECTORY, { recursive: true });
  const path = join(JOURNAL_DIRECTORY, 'dead.json');
  const entry = {
    process: { pid: child.pid, startTicks: '1' },
    begun: '2026-11-22T00:00:00.000Z',
    fileSystems: [{ mountPoint, device }],
  };
  writeFileSync(path, JSON.stringify(entry));
  return path;
}

async function deviceNumberOf(mountPoint: string): Promise<string> {
  return (await runCommand('findmnt', ['-n', '-o', 'MAJ:MIN', mountPoint])).trim();
}

test('thaws what somebody else froze, and says which had been frozen', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const [frozen = '', other = ''] = lab.disks.map(({ mountPoint }) => mountPoint);
  await freezeByOthers(frozen);
  const ended = await flashfreeze(['thaw', frozen, other]);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.match(ended.stdout, `${frozen}: was frozen, is now thawed`);
  assert.match(ended.stdout, `${other}: was not frozen`);
  assert.match(ended.stdout, 'its snapshot is no longer consistent');
  assert.is(await wasStillFrozen(frozen), false);
});

test('--all thaws every file system, a nested one and the one that holds it too', async () => {
  await using lab = await LabDisks.create([
    { type: 'xfs' },
    { type: 'ext4', imageOn: 0, sizeMb: 32 },
    { type: 'btrfs' },
  ]);
  const mountPoints = lab.disks.map(({ mountPoint }) => mountPoint);
  for (const mountPoint of mountPoints.toReversed()) {
    await freezeByOthers(mountPoint);
  }
  const ended = await flashfreeze(['thaw', '--all']);
  assert.is(ended.exitCode, 0, ended.stderr);
  for (const mountPoint of mountPoints) {
    assert.match(ended.stdout, `${mountPoint}: was frozen, is now thawed`);
    assert.is(await wasStillFrozen(mountPoint), false);
  }
});

test('--all finds the mount point that leads to a file system, where another one is covered', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const mountPoint = lab.disks[0]?.mountPoint ?? '';
  const covered = '/lab/covered';
  mkdirSync(covered);
  await runCommand('mount', ['--bind', mountPoint, covered]);
  await runCommand('mount', ['-t', 'tmpfs', 'cover', covered]);
  try {
    await freezeByOthers(mountPoint);
    const ended = await flashfreeze(['thaw', '--all']);
    assert.is(ended.exitCode, 0, ended.stderr);
    assert.match(ended.stdout, `${mountPoint}: was frozen, is now thawed`);
    assert.is(await wasStillFrozen(mountPoint), false);
  } finally {
    await unmount(covered);
    await unmount(covered);
  }
});

test('refuses to guess: neither mount points nor --all, or both', async () => {
  for (const args of [['thaw'], ['thaw', '--all', '/data']]) {
    const ended = await flashfreeze(args);
    assert.is(ended.exitCode, 2);
    assert.match(ended.stderr, 'FF_USAGE');
  }
});

test('names a mount point that does not exist', async () => {
  const ended = await flashfreeze(['thaw', '/nowhere']);
  assert.is(ended.exitCode, 1);
  assert.not.match(ended.stdout, '/nowhere');
  assert.match(
    ended.stderr,
    /flashfreeze: \/nowhere: cannot be opened as a mount point \(ENOENT\).*\(FF_MOUNT_NOT_FOUND\)/,
  );
});

test('the next command thaws what a run left frozen that died together with its guardian', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const mountPoint = lab.disks[0]?.mountPoint ?? '';
  await freezeByOthers(mountPoint);
  const journal = await leaveJournalOfDeadRun(mountPoint, await deviceNumberOf(mountPoint));
  const ended = await flashfreeze(['snapshot', '--blob', 'https://127.0.0.1:1/c/b?sp=rw&sig=x']);
  assert.is(ended.exitCode, 2);
  assert.match(ended.stderr, 'died between freeze and thaw');
  assert.match(ended.stderr, `thawed now: ${mountPoint}`);
  assert.is(existsSync(journal), false);
  assert.is(await wasStillFrozen(mountPoint), false);
});

for (const args of [['plan'], ['doctor'], ['report', '--list']]) {
  test(`so does ${args.join(' ')}`, async () => {
    await using lab = await LabDisks.create([{ type: 'ext4' }]);
    const mountPoint = lab.disks[0]?.mountPoint ?? '';
    await freezeByOthers(mountPoint);
    const journal = await leaveJournalOfDeadRun(mountPoint, await deviceNumberOf(mountPoint));
    const ended = await flashfreeze(args);
    assert.match(ended.stderr, `thawed now: ${mountPoint}`);
    assert.is(existsSync(journal), false);
    assert.is(await wasStillFrozen(mountPoint), false);
  });
}

test('what a dead run left frozen and is mounted nowhere is named by thaw and doctor, until it is mounted again', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const mountPoint = lab.disks[0]?.mountPoint ?? '';
  const source = (await runCommand('findmnt', ['-n', '-o', 'SOURCE', mountPoint])).trim();
  const device = await deviceNumberOf(mountPoint);
  await freezeByOthers(mountPoint);
  const journal = await leaveJournalOfDeadRun(mountPoint, device);
  await unmount(mountPoint);
  try {
    const thaw = await flashfreeze(['thaw', '--all']);
    assert.is(thaw.exitCode, 1, thaw.stderr);
    assert.match(
      thaw.stderr,
      `device ${device} (formerly mounted on ${mountPoint}): a run that died left it frozen`,
    );
    const doctor = await flashfreeze(['doctor']);
    assert.match(
      doctor.stdout,
      `✗ leftovers: a dead run may have left an unmounted file system frozen`,
    );
    assert.is(existsSync(journal), true);
  } finally {
    await runCommand('mount', [source, mountPoint]);
  }
  const ended = await flashfreeze(['report', '--list']);
  assert.match(ended.stderr, `thawed now: ${mountPoint}`);
  assert.is(existsSync(journal), false);
  assert.is(await wasStillFrozen(mountPoint), false);
});

test('leaves alone what is another file system by now', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const mountPoint = lab.disks[0]?.mountPoint ?? '';
  await freezeByOthers(mountPoint);
  await leaveJournalOfDeadRun(mountPoint, '99:99');
  const ended = await flashfreeze(['snapshot', '--blob', 'https://127.0.0.1:1/c/b?sp=rw&sig=x']);
  assert.match(ended.stderr, `no longer mounted, but probably still frozen`);
  assert.is(await wasStillFrozen(mountPoint), true);
});

test.run();
