import { chmod, mkdir, open, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Guardian } from '../../src/freezer/guardian.ts';
import {
  enterRestored,
  enterThawed,
  type LedgerReading,
  readLedger,
} from '../../src/freezer/ledger.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';
import { rcuExpedited, withRcuExpedited } from './grace-periods.ts';
import { inMs, RecordedFreezer } from './recorded-freezer.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('ledger');
let directories = 0;

/** On the lab's tmpfs. */
async function directoryOnTmpfs(): Promise<string> {
  directories += 1;
  const path = `/lab/ledgers${directories}`;
  await mkdir(path, { mode: 0o700 });
  return path;
}

const mountPointsOf = ({ disks }: LabDisks): string[] => disks.map(({ mountPoint }) => mountPoint);

async function statesIn(path: string): Promise<readonly string[] | undefined> {
  const reading: LedgerReading | undefined = await readLedger(path);
  return reading?.fileSystems.map(({ state }) => state);
}

test('shows other processes what is frozen, what was refused and what is thawed', async () => {
  using _normal = withRcuExpedited('0');
  await using lab = await LabDisks.create([{ type: 'ext4' }, { type: 'xfs' }, { type: 'ext4' }]);
  const ledgerDirectory = await directoryOnTmpfs();
  const path = join(ledgerDirectory, 'kept');
  await using recorded = new RecordedFreezer(mountPointsOf(lab), { ledgerDirectory });
  assert.equal(await readdir(ledgerDirectory), [], 'it has no name yet');
  assert.is(recorded.freezer.keepLedger(path), undefined);
  assert.is((await stat(path)).mode & 0o777, 0o600);
  assert.equal(await statesIn(path), ['idle', 'idle', 'idle']);
  await runCommand('fsfreeze', ['--freeze', mountPointsOf(lab)[1] ?? '']);
  await using guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(20_000));
  recorded.freezer.expedite();
  armed.freeze([0, 1]);
  await recorded.until('frozen', 1);
  await recorded.until('freeze-failed', 1);
  assert.equal(await statesIn(path), ['frozen', 'refused', 'idle']);
  assert.is((await readLedger(path))?.gracePeriods, 0);
  recorded.freezer.thaw([0]);
  recorded.freezer.restoreGracePeriods();
  await recorded.until('thawed', 1);
  assert.equal(await statesIn(path), ['thawed', 'refused', 'idle']);
  assert.is((await readLedger(path))?.gracePeriods, undefined);
  await runCommand('fsfreeze', ['--unfreeze', mountPointsOf(lab)[1] ?? '']);
});

test('the guardian’s own mapping shows what is entered after a death', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }, { type: 'ext4' }]);
  const ledgerDirectory = await directoryOnTmpfs();
  const path = join(ledgerDirectory, 'kept');
  await using recorded = new RecordedFreezer(mountPointsOf(lab), { ledgerDirectory });
  recorded.freezer.keepLedger(path);
  await enterThawed(path, [1]);
  await enterRestored(path);
  assert.equal(await statesIn(path), ['idle', 'thawed']);
});

/** What the guardian enters before it thaws and puts the grace periods back, which it does only once. */
async function enterRevoked(path: string): Promise<void> {
  const offset = 24;
  await using file = await open(path, 'r+');
  await file.write(new Uint8Array([1]), 0, 1, offset);
}

test('grace periods that are expedited when the guardian has already acted are put back at once', async () => {
  using _normal = withRcuExpedited('0');
  const ledgerDirectory = await directoryOnTmpfs();
  const path = join(ledgerDirectory, 'kept');
  await using recorded = new RecordedFreezer([], { ledgerDirectory });
  recorded.freezer.keepLedger(path);
  await enterRevoked(path);
  assert.is(recorded.freezer.expedite(), false);
  assert.is(rcuExpedited(), '0');
  assert.is((await readLedger(path))?.gracePeriods, undefined);
});

test('on a file system that could be frozen it stays in memory, and the file system untouched', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const [mountPoint = ''] = mountPointsOf(lab);
  const ledgerDirectory = join(mountPoint, 'run');
  await mkdir(ledgerDirectory, { mode: 0o700 });
  await using recorded = new RecordedFreezer([mountPoint], { ledgerDirectory });
  const because = recorded.freezer.keepLedger(join(ledgerDirectory, 'kept'));
  assert.is(because, `${ledgerDirectory} is not on a tmpfs`);
  assert.equal(await readdir(ledgerDirectory), []);
  await using guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(20_000));
  armed.freeze([0]);
  await recorded.until('frozen');
  recorded.freezer.thaw([0]);
  const [thawed] = await recorded.until('thawed');
  assert.is(thawed?.wasFrozen, true);
});

test('no symbolic link is followed, and no directory used that others may write', async () => {
  const real = await directoryOnTmpfs();
  await symlink(real, `${real}-link`);
  const open = await directoryOnTmpfs();
  await chmod(open, 0o777);
  const cases = [
    [`${real}-link`, 'ELOOP'],
    [open, 'EACCES'],
  ] as const;
  for (const [ledgerDirectory, errno] of cases) {
    await using recorded = new RecordedFreezer([], { ledgerDirectory });
    assert.match(recorded.freezer.keepLedger(join(ledgerDirectory, 'kept')) ?? '', errno);
  }
  assert.equal(await readdir(real), []);
});

test('a name that is taken is not overwritten, whether a file or a link', async () => {
  const ledgerDirectory = await directoryOnTmpfs();
  await writeFile(join(ledgerDirectory, 'other'), 'content');
  await symlink('other', join(ledgerDirectory, 'kept'));
  await using recorded = new RecordedFreezer([], { ledgerDirectory });
  for (const name of ['other', 'kept']) {
    assert.match(recorded.freezer.keepLedger(join(ledgerDirectory, name)) ?? '', 'EEXIST');
  }
  assert.is((await stat(join(ledgerDirectory, 'other'))).size, 7);
});

test('without a directory it is in memory', async () => {
  await using recorded = new RecordedFreezer([]);
  assert.match(recorded.freezer.keepLedger('/lab/kept') ?? '', 'not on a tmpfs');
});

test.run();
