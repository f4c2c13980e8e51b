import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { type DiskSpec, LabDisks } from '../../src/lab/disks.ts';
import { attachImage, detachDevice, partition } from '../../src/lab/loop-devices.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { runSummarySchema } from '../../src/report/schemas/run-summary.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { suite } from '../suite.ts';
import { flashfreeze } from './command-line.ts';
import { blobServer, Rig } from './rig.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('sets that are not whole');
const EXT4: DiskSpec = { type: 'ext4' };

interface Verdict {
  readonly exitCode: number | null;
  readonly summary: RunSummary;
}

async function snapshot(...args: readonly string[]): Promise<Verdict> {
  const ended = await flashfreeze(['snapshot', ...args, '--json', '--no-timeline']);
  assert.ok(ended.stdout !== '', ended.stderr);
  const summary = v.parse(runSummarySchema, JSON.parse(ended.stdout));
  return { exitCode: ended.exitCode, summary };
}

const blobsOf = ({ server }: Rig, ...indexes: readonly number[]): string[] =>
  indexes.flatMap((index) => ['--blob', server.urls[index] ?? '']);

/** Writes to a device, record after record, each on the disk before the next, until it is stopped. */
function writeMeanwhile(device: string): AsyncDisposable {
  const descriptor = openSync(device, constants.O_RDWR | constants.O_DSYNC);
  const record = Buffer.alloc(4096);
  let on = true;
  const written = (async () => {
    for (let count = 0n; on; count += 1n) {
      record.writeBigUInt64LE(count);
      writeSync(descriptor, record, 0, record.length, 8 << 20);
      await new Promise(setImmediate);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      on = false;
      await written;
      closeSync(descriptor);
    },
  };
}

/** A disk with a partition table and nothing in it that could be mounted. */
async function rawDisk(imagePath: string): Promise<{ device: string } & AsyncDisposable> {
  writeFileSync(imagePath, '');
  truncateSync(imagePath, 48 << 20);
  const device = await attachImage(imagePath);
  await partition(device, imagePath);
  // What the kernel itself still has to write, such as the partition table.
  const descriptor = openSync(device, constants.O_RDWR);
  fsyncSync(descriptor);
  closeSync(descriptor);
  return { device, [Symbol.asyncDispose]: () => detachDevice(device) };
}

test('a whole set ends with 0, and every disk shows the instant', async () => {
  await using rig = await Rig.create([EXT4, { type: 'xfs' }, { type: 'btrfs' }]);
  const { exitCode, summary } = await snapshot(...rig.blobArguments);
  assert.is(exitCode, 0, JSON.stringify(summary.problems));
  assert.is(summary.restorable, true);
  assert.equal(
    summary.disks.map(({ showsInstant, writes }) => [showsInstant, writes]),
    summary.disks.map(() => [true, 'unchanged']),
  );
});

for (const option of ['--mount', '--skip']) {
  test(`the disk of a file system that ${option} leaves out does not show the instant`, async () => {
    await using rig = await Rig.create([EXT4, EXT4]);
    const [kept, left] = rig.disks.disks;
    const named = option === '--mount' ? kept?.mountPoint : left?.mountPoint;
    const { exitCode, summary } = await snapshot(...rig.blobArguments, option, named ?? '');
    assert.is(exitCode, 1);
    assert.is(summary.consistency, 'crashConsistent');
    assert.equal(
      summary.disks.map(({ showsInstant }) => showsInstant),
      [true, false],
    );
    assert.match(summary.problems.join(), `${left?.device} carries ${left?.mountPoint} (ext4)`);
    assert.match(summary.problems.join(), `named by ${option}`);
  });
}

test('a file system that is left out together with its blob is no fault', async () => {
  await using rig = await Rig.create([EXT4, EXT4]);
  const left = rig.disks.disks[1]?.mountPoint ?? '';
  const { exitCode, summary } = await snapshot(...blobsOf(rig, 0), '--skip', left);
  assert.is(exitCode, 0, JSON.stringify(summary.problems));
});

test('a frozen disk without a blob makes the set incomplete, unless --partial says so', async () => {
  await using rig = await Rig.create([EXT4, EXT4, EXT4]);
  const incomplete = await snapshot(...blobsOf(rig, 0, 1));
  assert.is(incomplete.exitCode, 1);
  assert.is(incomplete.summary.consistency, 'none');
  assert.match(incomplete.summary.problems.join(), /Incomplete: snapshots of 2 of 3 frozen disks/);
  const accepted = await snapshot(...blobsOf(rig, 0, 1), '--partial');
  assert.is(accepted.exitCode, 0);
  assert.match(accepted.summary.warnings.join(), /2 of 3 frozen disks are taken, as requested/);
  const strict = await flashfreeze(['snapshot', ...blobsOf(rig, 0, 1), '--strict-match']);
  assert.is(strict.exitCode, 2);
  assert.match(strict.stderr, /FF_SET_INCOMPLETE/);
  const doctor = await flashfreeze(['doctor', ...blobsOf(rig, 0, 1)]);
  assert.match(doctor.stdout, /Incomplete: snapshots of 2 of 3 frozen disks/);
});

test('half of a file system over two disks is never consistent, also with --partial', async () => {
  await using rig = await Rig.create([EXT4, { type: 'btrfs', devices: 2 }]);
  for (const more of [[], ['--partial']]) {
    const { exitCode, summary } = await snapshot(...rig.blobArguments, ...more);
    assert.is(exitCode, 1);
    assert.is(summary.consistency, 'none');
    assert.match(summary.problems.join(), /lies on .* the file system cannot be restored/);
  }
});

test('another machine’s blob is refused before anything is frozen, unless --allow-foreign says so', async () => {
  await using rig = await Rig.create([EXT4]);
  writeFileSync('/lab/other.img', '');
  truncateSync('/lab/other.img', 64 << 20);
  await runCommand('mkfs.ext4', ['-q', '-F', '/lab/other.img']);
  await using server = await blobServer([{ name: 'other', imagePath: '/lab/other.img' }]);
  const blobs = [...rig.blobArguments, '--blob', server.urls[0] ?? ''];
  const refused = await flashfreeze(['snapshot', ...blobs]);
  assert.is(refused.exitCode, 2, refused.stdout);
  assert.match(refused.stderr, /FF_BLOB_FOREIGN/);
  const { exitCode, summary } = await snapshot(...blobs, '--allow-foreign');
  assert.is(exitCode, 0, JSON.stringify(summary.problems));
});

test('raw disks show the instant only if nothing writes to them meanwhile', async () => {
  await using disks = await LabDisks.create([EXT4]);
  await using first = await rawDisk('/lab/raw1.img');
  await using second = await rawDisk('/lab/raw2.img');
  await using server = await blobServer(
    [
      { name: 'disk0', imagePath: disks.disks[0]?.imagePath ?? '' },
      { name: 'raw1', imagePath: '/lab/raw1.img' },
      { name: 'raw2', imagePath: '/lab/raw2.img' },
    ],
    40,
  );
  const blobs = server.urls.flatMap((url) => ['--blob', url]);
  const quiet = await snapshot(...blobs);
  assert.is(quiet.exitCode, 0, JSON.stringify(quiet.summary));
  await using _writing = writeMeanwhile(second.device);
  const busy = await snapshot(...blobs);
  assert.is(busy.exitCode, 1, JSON.stringify(busy.summary));
  assert.is(busy.summary.consistency, 'crashConsistent');
  assert.equal(
    busy.summary.disks.map(({ showsInstant, writes }) => [showsInstant, writes]),
    [
      [true, 'unchanged'],
      [true, 'unchanged'],
      [false, 'changed'],
    ],
  );
  assert.match(busy.summary.problems.join(), `wrote to ${second.device} during the snapshot`);
  assert.is.not(first.device, second.device);
});

test.run();
