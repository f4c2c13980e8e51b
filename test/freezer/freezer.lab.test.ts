import { mkdir } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../src/errors.ts';
import { Freezer } from '../../src/freezer/freezer.ts';
import { Guardian } from '../../src/freezer/guardian.ts';
import { type LabDisk, LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand, tryCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';
import { suite } from '../suite.ts';
import { inMs, RecordedFreezer } from './recorded-freezer.ts';
import { Writer, writable } from './writer.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('freezer');
const TYPES = ['ext4', 'xfs', 'btrfs'] as const;

const mountPointsOf = ({ disks }: LabDisks): string[] => disks.map(({ mountPoint }) => mountPoint);

function only({ disks }: LabDisks): LabDisk {
  const [disk] = disks;
  if (disk === undefined) {
    throw new Error('the lab made no disk');
  }
  return disk;
}

/** A column of findmnt(8). */
async function mountedOn(mountPoint: string, column: 'ID' | 'MAJ:MIN'): Promise<string> {
  return (await runCommand('findmnt', ['-n', '-o', column, mountPoint])).trim();
}

for (const type of TYPES) {
  test(`a write to ${type} issued while frozen completes only after the thaw`, async () => {
    await using lab = await LabDisks.create([{ type }]);
    const { mountPoint } = only(lab);
    await using recorded = new RecordedFreezer([mountPoint]);
    await using guardian = await Guardian.start(recorded.freezer);
    const armed = await guardian.arm(inMs(20_000));
    armed.freeze([0]);
    await recorded.until('frozen');
    const writer = new Writer(mountPoint);
    assert.ok(await writer.isBlocked());
    assert.not(writer.hasEnded);
    recorded.freezer.thaw([0]);
    assert.is(await writer.ended(), 0);
    const [thawed] = await recorded.until('thawed');
    assert.is(thawed?.wasFrozen, true);
    armed.disarm();
  });

  test(`a write to ${type} that is not frozen completes at once (negative control)`, async () => {
    await using lab = await LabDisks.create([{ type }]);
    const writer = new Writer(only(lab).mountPoint);
    assert.not(await writer.isBlocked());
    assert.is(await writer.ended(), 0);
  });
}

test('every freeze and thaw gives one event with time stamps, and nothing stays frozen', async () => {
  await using lab = await LabDisks.create(TYPES.map((type) => ({ type })));
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  await using guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(20_000));
  const before = process.hrtime.bigint();
  armed.freeze(recorded.all);
  assert.not(recorded.freezer.isThawed());
  const frozen = await recorded.until('frozen');
  recorded.freezer.thaw(recorded.all);
  const thawed = await recorded.until('thawed');
  const after = process.hrtime.bigint();
  assert.equal(frozen.map(({ fileSystem }) => fileSystem).sort(), recorded.all);
  assert.equal(thawed.map(({ fileSystem }) => fileSystem).sort(), recorded.all);
  for (const { startNs, endNs } of [...frozen, ...thawed]) {
    assert.ok(before <= startNs && startNs <= endNs && endNs <= after);
  }
  assert.ok(recorded.freezer.isThawed());
  armed.disarm();
  assert.equal(await guardian.release(), { reason: 'released', thawed: [], failed: [] });
});

test('a thaw requested twice thaws once, and does nothing to a file system that was not frozen', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }, { type: 'ext4' }]);
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  await using guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(20_000));
  armed.freeze([0]);
  await recorded.until('frozen', 1);
  recorded.freezer.thaw([0, 1]);
  recorded.freezer.thaw([0, 1]);
  await recorded.until('thawed', 1);
  recorded.freezer.thaw([0, 1]);
  armed.freeze([1]);
  await recorded.until('frozen', 2);
  recorded.freezer.thaw([1]);
  const thawed = await recorded.until('thawed', 2);
  assert.equal(
    thawed.map(({ fileSystem, wasFrozen }) => [fileSystem, wasFrozen]),
    [
      [0, true],
      [1, true],
    ],
  );
});

test('the freeze of another tool gives EBUSY and is left alone', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const { mountPoint } = only(lab);
  await runCommand('fsfreeze', ['--freeze', mountPoint]);
  {
    await using recorded = new RecordedFreezer([mountPoint]);
    await using guardian = await Guardian.start(recorded.freezer);
    const armed = await guardian.arm(inMs(20_000));
    armed.freeze([0]);
    const [failed] = await recorded.until('freeze-failed');
    assert.is(failed?.errno, 'EBUSY');
    recorded.freezer.thaw([0]);
    armed.disarm();
  }
  const writer = new Writer(mountPoint);
  assert.ok(await writer.isBlocked());
  await runCommand('fsfreeze', ['--unfreeze', mountPoint]);
  assert.is(await writer.ended(), 0);
});

test('a file system that another tool thawed was not frozen any more', async () => {
  await using lab = await LabDisks.create([{ type: 'xfs' }]);
  const { mountPoint } = only(lab);
  await using recorded = new RecordedFreezer([mountPoint]);
  await using guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(20_000));
  armed.freeze([0]);
  await recorded.until('frozen');
  await runCommand('fsfreeze', ['--unfreeze', mountPoint]);
  recorded.freezer.thaw([0]);
  const [thawed] = await recorded.until('thawed');
  assert.is(thawed?.wasFrozen, false);
});

test('tmpfs cannot be frozen', async () => {
  await mkdir('/tmp/not-freezable', { recursive: true });
  await using recorded = new RecordedFreezer(['/tmp/not-freezable']);
  await using guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(20_000));
  armed.freeze([0]);
  const [failed] = await recorded.until('freeze-failed');
  assert.is(failed?.errno, 'EOPNOTSUPP');
  assert.ok(recorded.freezer.isThawed());
});

test('syncfs gives one event for each file system', async () => {
  await using lab = await LabDisks.create(TYPES.map((type) => ({ type })));
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  await writable(mountPointsOf(lab));
  recorded.freezer.syncfs(recorded.all);
  const synced = await recorded.until('synced');
  assert.equal(
    synced.map(({ errno }) => errno),
    TYPES.map(() => undefined),
  );
});

test('the device numbers are those of mountinfo, for a btrfs subvolume too', async () => {
  await using lab = await LabDisks.create([{ type: 'btrfs' }, { type: 'ext4' }]);
  const [btrfs, ext4] = mountPointsOf(lab);
  await runCommand('btrfs', ['subvolume', 'create', `${btrfs}/sub`]);
  await using recorded = new RecordedFreezer([btrfs ?? '', ext4 ?? '', `${btrfs}/sub`]);
  const [ofBtrfs, ofExt4, ofSubvolume] = recorded.freezer.deviceNumbers;
  assert.is(ofExt4, await mountedOn(ext4 ?? '', 'MAJ:MIN'));
  assert.is(ofSubvolume, ofBtrfs);
});

test('nothing is frozen without an arming, twice, or after a deadline that has passed', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  await using guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(20_000));
  assert.throws(() => armed.limit(armed.deadlineNs + 1n), /later than the guardian/);
  armed.freeze([0]);
  assert.throws(() => armed.freeze([0]), /frozen or being frozen/);
  assert.throws(() => armed.disarm(), /still frozen/);
  await recorded.until('frozen');
  recorded.freezer.thaw([0]);
  await recorded.until('thawed');
  armed.disarm();
  assert.throws(() => armed.freeze([0]), /not armed/);
  assert.throws(() => armed.limit(armed.deadlineNs), /disarmed/);
  const late = await guardian.arm(inMs(-1));
  await recorded.until('expired', 1);
  assert.throws(() => late.freeze([0]), /not armed/);
  await writable(mountPointsOf(lab));
});

test('a sync of a frozen file system is refused, so that its thread is free to thaw', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  await using guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(20_000));
  armed.freeze([0]);
  await recorded.until('frozen');
  assert.throws(() => recorded.freezer.syncfs([0]), /frozen or being frozen/);
  recorded.freezer.thaw([0]);
  await recorded.until('thawed');
  recorded.freezer.syncfs([0]);
  await recorded.until('synced');
  armed.disarm();
});

test('a bind of a single file serves as well as a directory', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }]);
  const { mountPoint } = only(lab);
  await runCommand('touch', [`${mountPoint}/bound`, '/tmp/bound']);
  await runCommand('mount', ['--bind', `${mountPoint}/bound`, '/tmp/bound']);
  try {
    await using recorded = new RecordedFreezer(['/tmp/bound']);
    assert.is(recorded.freezer.deviceNumbers[0], await mountedOn(mountPoint, 'MAJ:MIN'));
    await using guardian = await Guardian.start(recorded.freezer);
    const armed = await guardian.arm(inMs(20_000));
    armed.freeze([0]);
    await recorded.until('frozen');
    const writer = new Writer(mountPoint);
    assert.ok(await writer.isBlocked());
    recorded.freezer.thaw([0]);
    assert.is(await writer.ended(), 0);
    armed.disarm();
  } finally {
    await unmount('/tmp/bound');
  }
});

test('reports which mount it has opened, the topmost one', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }, { type: 'ext4' }]);
  const [below = '', above = ''] = mountPointsOf(lab);
  const open = async (): Promise<readonly (number | undefined)[]> => {
    await using recorded = new RecordedFreezer([below]);
    return recorded.freezer.mountIds;
  };
  const before = await open();
  assert.equal(before, [Number(await mountedOn(below, 'ID'))]);
  await runCommand('mount', ['--bind', above, below]);
  try {
    assert.not.equal(await open(), before);
  } finally {
    await unmount(below);
  }
  assert.equal(await open(), before);
});

test('a mount point that is gone, a pipe, a device and a symbolic link are refused by name', async () => {
  await runCommand('ln', ['-sfn', '/tmp', '/tmp/link']);
  await runCommand('mkfifo', ['/tmp/pipe']);
  const refused: readonly (readonly [path: string, errno: string])[] = [
    ['/tmp/gone', 'ENOENT'],
    ['/tmp/pipe', 'ENOTDIR'],
    ['/dev/null', 'ENOTDIR'],
    ['/tmp/link', 'ELOOP'],
  ];
  for (const [path, errno] of refused) {
    try {
      Freezer.open(['/tmp', path], () => {});
      assert.unreachable(path);
    } catch (error) {
      assert.instance(error, FlashfreezeError);
      const { code, systemCall, message } = error as FlashfreezeError;
      assert.is(code, 'FF_MOUNT_OPEN');
      assert.equal(systemCall, { errno, syscall: 'open', path });
      assert.match(message, path);
    }
  }
});

test('64 file systems freeze and thaw in one go', async () => {
  const count = 64;
  await using lab = await LabDisks.create(
    Array.from({ length: count }, () => ({ type: 'ext4' as const, sizeMb: 16 })),
  );
  await using recorded = new RecordedFreezer(mountPointsOf(lab));
  await using guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(30_000));
  recorded.freezer.expedite();
  armed.freeze(recorded.all);
  await recorded.until('frozen');
  const busy = await tryCommand('fsfreeze', ['--freeze', mountPointsOf(lab)[count - 1] ?? '']);
  assert.match(busy.stderr, 'busy');
  recorded.freezer.thaw(recorded.all);
  const thawed = await recorded.until('thawed');
  assert.ok(thawed.every(({ wasFrozen }) => wasFrozen));
  assert.is(new Set(thawed.map(({ fileSystem }) => fileSystem)).size, count);
});

test.run();
