import { truncateSync, writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { attachImage, detachDevice } from '../../src/lab/loop-devices.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand, tryCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { blobServer, Rig } from '../commands/rig.ts';
import { RunningCommand } from '../faults/running-command.ts';
import { untilRequested } from '../faults/watch-requests.ts';
import { writable } from '../freezer/writer.ts';
import { ScriptFiles } from '../quiesce/scripts/script-files.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('storage that changes while a run is under way');

/** One mounted disk, and a second one, `/lab/second.img`, that is attached as `device`, with a blob for each. */
class TwoDisks implements AsyncDisposable {
  readonly mountPoint = '/lab/second';
  readonly #disks: LabDisks;
  readonly server: BlobServer;
  readonly device: string;

  static async create(): Promise<TwoDisks> {
    const disks = await LabDisks.create([{ type: 'ext4' }]);
    const imagePath = '/lab/second.img';
    writeFileSync(imagePath, '');
    truncateSync(imagePath, 64 << 20);
    await runCommand('mkfs.ext4', ['-q', '-F', imagePath]);
    const device = await attachImage(imagePath);
    await runCommand('mkdir', ['-p', '/lab/second']);
    const server = await blobServer([
      { name: 'disk0', imagePath: disks.disks[0]?.imagePath ?? '' },
      { name: 'second', imagePath },
    ]);
    return new TwoDisks(disks, server, device);
  }

  private constructor(disks: LabDisks, server: BlobServer, device: string) {
    this.#disks = disks;
    this.server = server;
    this.device = device;
  }

  get blobArguments(): string[] {
    return this.server.urls.flatMap((url) => ['--blob', url]);
  }

  async mount(): Promise<void> {
    await runCommand('mount', [this.device, this.mountPoint]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await tryCommand('umount', [this.mountPoint]);
    await this.server[Symbol.asyncDispose]();
    await detachDevice(this.device);
    await this.#disks[Symbol.asyncDispose]();
  }
}

/** Runs a snapshot with this pre-script and this post-script. */
async function snapshotWith(
  { blobArguments }: { readonly blobArguments: readonly string[] },
  before: string,
  after: string,
): Promise<RunSummary> {
  const files = new ScriptFiles();
  const { pluginHost } = files.host([
    files.usual({
      preScriptLocation: files.script('before.sh', before),
      postScriptLocation: files.script('after.sh', after),
    }),
  ]);
  const ended = await flashfreeze([
    ...['snapshot', ...blobArguments, '--plugin-host', pluginHost, '--json', '--no-timeline'],
  ]);
  assert.not.equal(ended.stdout, '', ended.stderr);
  return JSON.parse(ended.stdout) as RunSummary;
}

const mountPointsOf = ({ fileSystems }: RunSummary): string[] =>
  fileSystems.map(({ mountPoint }) => mountPoint);

test('a device that a pre-script adds to a btrfs belongs to the set: without its blob the set is not whole', async () => {
  await using rig = await Rig.create([{ type: 'btrfs', sizeMb: 256 }]);
  writeFileSync('/lab/added.img', '');
  truncateSync('/lab/added.img', 256 << 20);
  const added = await attachImage('/lab/added.img');
  await using _detached = { [Symbol.asyncDispose]: () => detachDevice(added) };
  const mountPoint = rig.disks.disks[0]?.mountPoint ?? '';
  const summary = await snapshotWith(rig, `btrfs device add -f -K ${added} ${mountPoint}`, 'true');
  assert.is(summary.consistency, 'none');
  assert.is(summary.fileSystems[0]?.disks.length, 2);
  assert.match(summary.problems.join(), added);
});

test('a disk that a pre-script mounts is frozen too', async () => {
  await using machine = await TwoDisks.create();
  const { device, mountPoint } = machine;
  const summary = await snapshotWith(
    machine,
    `mount ${device} ${mountPoint} && echo dump > ${mountPoint}/db.sql`,
    `umount ${mountPoint}`,
  );
  assert.is(summary.restorable, true, summary.problems.join());
  assert.ok(mountPointsOf(summary).includes(mountPoint));
  assert.is((await tryCommand('mountpoint', ['-q', mountPoint])).code, 32);
});

test('a file system that a pre-script unmounts needs no freeze', async () => {
  await using machine = await TwoDisks.create();
  const { device, mountPoint } = machine;
  await machine.mount();
  const summary = await snapshotWith(
    machine,
    `umount ${mountPoint}`,
    `mount ${device} ${mountPoint}`,
  );
  assert.is(summary.restorable, true, summary.problems.join());
  assert.not.ok(mountPointsOf(summary).includes(mountPoint));
  await runCommand('mountpoint', ['-q', mountPoint]);
});

test('a file system that a pre-script remounts read-only needs no freeze', async () => {
  await using machine = await TwoDisks.create();
  const { mountPoint } = machine;
  await machine.mount();
  const summary = await snapshotWith(
    machine,
    `mount -o remount,ro ${mountPoint}`,
    `mount -o remount,rw ${mountPoint}`,
  );
  assert.is(summary.restorable, true, summary.problems.join());
  assert.not.ok(mountPointsOf(summary).includes(mountPoint));
  await writable([mountPoint]);
});

test('if a pre-script makes everything read-only, nothing has to be frozen', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const mountPoint = rig.disks.disks[0]?.mountPoint ?? '';
  const summary = await snapshotWith(
    rig,
    `mount -o remount,ro ${mountPoint}`,
    `mount -o remount,rw ${mountPoint}`,
  );
  assert.is(summary.restorable, true, summary.problems.join());
  assert.equal(summary.fileSystems, []);
  assert.match(summary.warnings.join(), 'nothing is left to freeze');
  await writable([mountPoint]);
});

test('a pre-script that freezes by itself is named as a possible cause, and its freeze is left alone', async () => {
  await using machine = await TwoDisks.create();
  const { mountPoint } = machine;
  await machine.mount();
  const summary = await snapshotWith(machine, `fsfreeze -f ${mountPoint}`, 'true');
  assert.is(summary.code, 121);
  assert.match(
    summary.problems.join(),
    `${mountPoint} is already frozen and was left frozen: by a pre-script`,
  );
  await runCommand('fsfreeze', ['-u', mountPoint]);
  await writable([mountPoint]);
});

test('a scheduled run checks at once, and keeps nothing mounted until shortly before its start', async () => {
  await using machine = await TwoDisks.create();
  await machine.mount();
  const at = ['--at', new Date(Date.now() + 3_600_000).toISOString(), '--no-timeline'];
  const missing = `${machine.server.urls[0]}`.replace('disk0', 'none');
  const refused = await flashfreeze([
    ...['snapshot', ...machine.blobArguments, '--blob', missing, ...at],
  ]);
  assert.is(refused.exitCode, 2);
  assert.match(refused.stderr, /\(FF_BLOB_/);
  using command = RunningCommand.start(['snapshot', ...machine.blobArguments, ...at]);
  await command.said('wait for the start time');
  await unmount(machine.mountPoint);
  command.signal('SIGTERM');
  assert.is((await command.ended).exitCode, 143);
  await machine.mount();
  await writable([machine.mountPoint]);
});

test('a disk that is mounted while the last flush and the test of the connections take long is frozen too', async () => {
  await using machine = await TwoDisks.create();
  const { server } = machine;
  // The first read belongs to the preparation, the second one to the test of the connections.
  await server.setFault({
    ...{ blob: 'disk0', at: 'request', operation: 'read', skip: 1, times: 1 },
    fault: { kind: 'status', status: 503, code: 'ServerBusy', delayMs: 1_500 },
  });
  using command = RunningCommand.start([
    'snapshot',
    ...machine.blobArguments,
    '--json',
    '--no-timeline',
  ]);
  await untilRequested(server, command, ({ fault }) => fault === 'status');
  await machine.mount();
  const ended = await command.ended;
  const summary = JSON.parse(ended.stdout) as RunSummary;
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.match(ended.stderr, /\/lab\/second .* after the plan was made: planning again/);
  assert.ok(summary.fileSystems.some(({ mountPoint }) => mountPoint === machine.mountPoint));
});

test('a file system that is mounted while others are frozen is named, and its disk does not count', async () => {
  await using disks = await LabDisks.create([{ type: 'ext4' }]);
  writeFileSync('/lab/late.img', '');
  truncateSync('/lab/late.img', 64 << 20);
  await runCommand('mkfs.ext4', ['-q', '-F', '/lab/late.img']);
  const device = await attachImage('/lab/late.img');
  await using _detached = { [Symbol.asyncDispose]: () => detachDevice(device) };
  await using server = await blobServer(
    [
      { name: 'disk0', imagePath: disks.disks[0]?.imagePath ?? '' },
      { name: 'late', imagePath: '/lab/late.img' },
    ],
    2_500,
  );
  const blobs = server.urls.flatMap((url) => ['--blob', url]);
  using command = RunningCommand.start(['snapshot', ...blobs, '--json', '--no-timeline']);
  await untilRequested(server, command, ({ operation }) => operation === 'snapshot');
  await runCommand('mkdir', ['-p', '/lab/late']);
  await runCommand('mount', [device, '/lab/late']);
  await server.answerNow();
  await using _unmounted = {
    async [Symbol.asyncDispose]() {
      await unmount('/lab/late');
    },
  };
  const ended = await command.ended;
  const summary = JSON.parse(ended.stdout) as RunSummary;
  assert.is(ended.exitCode, 1, ended.stderr);
  assert.is(summary.consistency, 'crashConsistent');
  assert.match(
    summary.problems.join(),
    `${device} carries /lab/late (ext4), which was not frozen because it was mounted after`,
  );
  assert.equal(
    summary.disks.map(({ showsInstant }) => showsInstant),
    [true, false],
  );
});

test.run();
