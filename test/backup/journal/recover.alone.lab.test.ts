/** Runs that died together with their guardian, and their recovery by the next command. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { leftFrozen, recover } from '../../../src/backup/journal/recover.ts';
import { LabDisks } from '../../../src/lab/disks.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { runCommand, tryCommand } from '../../../src/lab/run-command.ts';
import { unmount } from '../../../src/lab/unmount.ts';
import { FrozenWorker, gone, stop } from '../../freezer/frozen-worker.ts';
import { rcuExpedited, withRcuExpedited } from '../../freezer/grace-periods.ts';
import { Writer, writable } from '../../freezer/writer.ts';
import { suite } from '../../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('recovery of a dead run');
let directories = 0;

/** On the lab's tmpfs. */
async function journalDirectory(): Promise<string> {
  directories += 1;
  const path = `/lab/journal${directories}`;
  await mkdir(path, { mode: 0o700 });
  return path;
}

const mountPointsOf = ({ disks }: LabDisks): string[] => disks.map(({ mountPoint }) => mountPoint);

/** The guardian is stopped first, so that it cannot thaw between the two deaths. */
async function killBoth(worker: FrozenWorker): Promise<void> {
  await stop(worker.guardianPid);
  worker.kill('SIGKILL');
  process.kill(worker.guardianPid, 'SIGKILL');
  await Promise.all([gone(worker.pid), gone(worker.guardianPid)]);
}

/** The sentences of a recovery. */
async function recovered(directory: string): Promise<string> {
  const sentences: string[] = [];
  await recover((sentence) => sentences.push(sentence), directory);
  return sentences.join('\n');
}

async function damageLedger(directory: string): Promise<void> {
  for (const name of (await readdir(directory)).filter((it) => it.endsWith('.ledger'))) {
    await writeFile(join(directory, name), 'damaged');
  }
}

async function freezeByOthers(mountPoint: string): Promise<void> {
  await runCommand('fsfreeze', ['--freeze', mountPoint]);
}

/** Whether fsfreeze(8) still finds it frozen; thaws it by looking. */
async function wasStillFrozen(mountPoint: string): Promise<boolean> {
  return (await tryCommand('fsfreeze', ['--unfreeze', mountPoint])).code === 0;
}

test('the file systems that the run had frozen are thawed, and its grace periods are restored', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create([{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }]);
  const mountPoints = mountPointsOf(lab);
  const directory = await journalDirectory();
  await using worker = await FrozenWorker.start(mountPoints, { journalDirectory: directory });
  await killBoth(worker);
  assert.is(rcuExpedited(), '1');
  const writer = new Writer(mountPoints[0] ?? '');
  assert.ok(await writer.isBlocked());
  assert.match(await recovered(directory), `thawed now: ${mountPoints.join(', ')}`);
  await writable(mountPoints);
  assert.is(rcuExpedited(), '0');
  assert.equal(await readdir(directory), []);
  assert.is(await recovered(directory), '');
});

for (const type of ['ext4', 'xfs'] as const) {
  test(`a FIFREEZE of ${type} that was stuck when both died is thawed when it returns`, async () => {
    await using lab = await LabDisks.create([
      { type, sizeMb: 640 },
      { type, imageOn: 0 },
    ]);
    const mountPoints = mountPointsOf(lab);
    await writeFile(join(mountPoints[1] ?? '', 'dirty'), 'x'.repeat(1e6));
    const directory = await journalDirectory();
    await using worker = await FrozenWorker.start(mountPoints, {
      lastIsStuck: true,
      journalDirectory: directory,
    });
    await worker.hasStuckThread();
    await killBoth(worker);
    assert.match(await recovered(directory), 'thawed now:');
    await writable(mountPoints);
    assert.equal(await readdir(directory), []);
  });
}

test('a file system whose mount point is covered by another mount stays pending: the next command thaws it', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const [mountPoint = ''] = mountPointsOf(lab);
  const directory = await journalDirectory();
  await using worker = await FrozenWorker.start([mountPoint], { journalDirectory: directory });
  await killBoth(worker);
  await runCommand('mount', ['-t', 'tmpfs', 'cover', mountPoint]);
  try {
    const said = await recovered(directory);
    assert.match(said, `could not be thawed; the next command will retry: ${mountPoint}`);
    assert.not.match(said, 'nothing was frozen');
  } finally {
    await unmount(mountPoint);
  }
  assert.match(await recovered(directory), `thawed now: ${mountPoint}`);
  await writable([mountPoint]);
  assert.equal(await readdir(directory), []);
});

test('a freeze of another tool, begun after the run’s own had been thawed, is left alone', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const mountPoints = mountPointsOf(lab);
  const [frozen = ''] = mountPoints;
  const directory = await journalDirectory();
  await using worker = await FrozenWorker.start(mountPoints, { journalDirectory: directory });
  worker.kill('SIGKILL');
  await worker.exited();
  await gone(worker.guardianPid);
  await freezeByOthers(frozen);
  assert.match(await recovered(directory), 'nothing was left frozen');
  assert.is(await wasStillFrozen(frozen), true);
  assert.equal(await readdir(directory), []);
});

test('without the ledger, the freeze of another tool is thawed, and the sentence gives the reason (negative control)', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const [frozen = ''] = mountPointsOf(lab);
  const directory = await journalDirectory();
  await using worker = await FrozenWorker.start([frozen], { journalDirectory: directory });
  worker.kill('SIGKILL');
  await worker.exited();
  await gone(worker.guardianPid);
  await freezeByOthers(frozen);
  await damageLedger(directory);
  assert.match(await recovered(directory), 'regardless of which tool froze them');
  assert.is(await wasStillFrozen(frozen), false);
});

test('grace periods that were expedited before the run are not expedited again', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const mountPoints = mountPointsOf(lab);
  const directory = await journalDirectory();
  const alreadyExpedited = withRcuExpedited('1');
  await using worker = await FrozenWorker.start(mountPoints, { journalDirectory: directory });
  await killBoth(worker);
  await damageLedger(directory);
  alreadyExpedited[Symbol.dispose]();
  assert.match(await recovered(directory), 'thawed now');
  assert.is(rcuExpedited(), '0');
});

test('a guardian that was only stopped leaves alone what another tool froze after the recovery', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const [mountPoint = ''] = mountPointsOf(lab);
  const directory = await journalDirectory();
  await using worker = await FrozenWorker.start([mountPoint], { journalDirectory: directory });
  await stop(worker.guardianPid);
  worker.kill('SIGKILL');
  await worker.exited();
  assert.match(await recovered(directory), `thawed now: ${mountPoint}`);
  await freezeByOthers(mountPoint);
  process.kill(worker.guardianPid, 'SIGCONT');
  await gone(worker.guardianPid);
  assert.is(await wasStillFrozen(mountPoint), true);
});

/**
 * Kills both, the second one as soon as it has begun to thaw: another file system than a btrfs is harmed by no kill.
 *
 * @returns whether the btrfs was left to the next command; else this process was later than the 20 ms that the
 * survivor waits
 */
async function killWhileThawing(first: 'guardian' | 'worker'): Promise<boolean> {
  await using lab = await LabDisks.create([{ type: 'btrfs' }, { type: 'ext4' }]);
  const [btrfs = '', ext4 = ''] = mountPointsOf(lab);
  const directory = await journalDirectory();
  await using worker = await FrozenWorker.start([btrfs, ext4], { journalDirectory: directory });
  const pids = [worker.guardianPid, worker.pid];
  const [now = 0, next = 0] = first === 'guardian' ? pids : pids.toReversed();
  const writer = new Writer(ext4);
  assert.ok(await writer.isBlocked());
  process.kill(now, 'SIGKILL');
  await writer.ended();
  try {
    process.kill(next, 'SIGKILL');
  } catch {
    // It has thawed everything and ended.
  }
  await Promise.all(pids.map(gone));
  const sentences = await recovered(directory);
  await writable([btrfs, ext4]);
  return sentences.includes(`thawed now: ${btrfs}`);
}

for (const first of ['guardian', 'worker'] as const) {
  test(`a btrfs is not thawed by a process that is about to be killed too, here after the ${first}`, async () => {
    let isLeft = false;
    for (let attempt = 0; attempt < 20 && !isLeft; attempt += 1) {
      isLeft = await killWhileThawing(first);
    }
    assert.ok(isLeft);
  });
}

test('a file system that was unmounted while frozen is thawed through another mount', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const [mountPoint = ''] = mountPointsOf(lab);
  const elsewhere = '/lab/elsewhere';
  await mkdir(elsewhere);
  await runCommand('mount', ['--bind', mountPoint, elsewhere]);
  const directory = await journalDirectory();
  try {
    await using worker = await FrozenWorker.start([elsewhere], { journalDirectory: directory });
    await killBoth(worker);
  } finally {
    await unmount(elsewhere);
    await rm(elsewhere, { recursive: true });
  }
  assert.match(await recovered(directory), 'thawed now:');
  await writable([mountPoint]);
});

for (const ledger of ['kept', 'lost'] as const) {
  test(`a file system that is no longer mounted is thawed when it is mounted again (ledger ${ledger})`, async () => {
    await using lab = await LabDisks.create([{ type: 'ext4' }, { type: 'xfs' }]);
    const [mountPoint = '', other = ''] = mountPointsOf(lab);
    const device = (await runCommand('findmnt', ['-no', 'SOURCE', mountPoint])).trim();
    const directory = await journalDirectory();
    await using worker = await FrozenWorker.start([mountPoint, other], {
      journalDirectory: directory,
    });
    await killBoth(worker);
    await worker.exited();
    if (ledger === 'lost') {
      await damageLedger(directory);
    }
    await unmount(mountPoint);
    try {
      assert.match(await recovered(directory), `mounted again thaws it: ${mountPoint}`);
      assert.match(await recovered(directory), `mounted again thaws it: ${mountPoint}`);
      const [left, ...more] = await leftFrozen(directory);
      assert.equal([left?.mountPoint, left?.isMounted, more], [mountPoint, false, []]);
      // A file system that was thawed no longer belongs to the run.
      await freezeByOthers(other);
      await recovered(directory);
      assert.is(await wasStillFrozen(other), true);
    } finally {
      await runCommand('mount', [device, mountPoint]);
    }
    assert.match(await recovered(directory), `thawed now: ${mountPoint}`);
    await writable([mountPoint, other]);
    assert.equal(await readdir(directory), []);
  });
}

test('if the machine has no boot id, a dead run is recovered too', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const [mountPoint = ''] = mountPointsOf(lab);
  const directory = await journalDirectory();
  await using worker = await FrozenWorker.start([mountPoint], { journalDirectory: directory });
  await killBoth(worker);
  const bootId = '/proc/sys/kernel/random/boot_id';
  await writeFile('/lab/empty', '');
  await runCommand('mount', ['--bind', '/lab/empty', bootId]);
  try {
    assert.match(await recovered(directory), `thawed now: ${mountPoint}`);
  } finally {
    await unmount(bootId);
  }
  await writable([mountPoint]);
});

test.run();
