import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import packageJson from '../../package.json' with { type: 'json' };
import { enterLab } from '../../src/lab/namespace.ts';
import { RawDisks } from '../../src/lab/raw-disks.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { runSummarySchema } from '../../src/report/schemas/run-summary.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { inTime } from '../in-time.ts';
import { suite } from '../suite.ts';
import { type Ended, flashfreeze } from './command-line.ts';
import { blobServer, Rig } from './rig.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['strace'] });

const test = suite('flashfreeze snapshot');
const MIXED = [{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }] as const;

function summaryOf({ stdout }: Ended): RunSummary {
  return v.parse(runSummarySchema, JSON.parse(stdout));
}

/** Fails where a SAS signature got out. */
function assertNoSecret({ stdout, stderr }: Ended, rig: Rig): void {
  for (const url of rig.server.urls) {
    const signature = new URL(url).searchParams.get('sig') ?? '';
    for (const secret of [signature, encodeURIComponent(signature)]) {
      assert.not.ok(`${stdout}${stderr}`.includes(secret));
    }
  }
}

/** Which FIFREEZE calls a command made, by strace: lines of its log. */
async function freezesDuring(args: readonly string[]): Promise<{ ended: Ended; freezes: number }> {
  const log = '/lab/strace.log';
  const ended = await flashfreeze(args, {
    under: ['strace', '-f', '-qq', '-e', 'trace=ioctl', '-e', 'signal=none', '-o', log],
  });
  const freezes = readFileSync(log, 'utf8').split('FIFREEZE').length - 1;
  return { ended, freezes };
}

test('snapshots every disk at one instant and says so in JSON', async () => {
  await using rig = await Rig.create(MIXED);
  const ended = await flashfreeze(['snapshot', ...rig.blobArguments, '--json']);
  const summary = summaryOf(ended);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.is(summary.consistency, 'fileSystemConsistent');
  assert.is(summary.code, 1);
  assert.is(summary.fileSystems.length, 3);
  assert.equal(
    summary.disks.map(({ device, httpStatus, attempts }) => ({ device, httpStatus, attempts })),
    rig.disks.disks.map(({ device }) => ({ device, httpStatus: 201, attempts: 1 })),
  );
  const runs = new Set<string | undefined>();
  for (const [index, { snapshot, blob }] of summary.disks.entries()) {
    const taken = await rig.server.snapshots(`disk${index}`);
    assert.equal(
      taken.map((it) => it.snapshot),
      [snapshot],
    );
    assert.not.match(blob, '\\?');
    const { flashfreeze_run: run, flashfreeze_request: _, ...said } = taken[0]?.metadata ?? {};
    runs.add(run);
    const { device } = rig.disks.disks[index] ?? {};
    assert.equal(said, {
      flashfreeze_disk: `${index + 1} of 3`,
      flashfreeze_device: device,
      flashfreeze_host: hostname(),
      flashfreeze_version: packageJson.version,
    });
  }
  assert.is(runs.size, 1);
  assertNoSecret(ended, rig);
  const roles = summary.threads.map(({ role }) => role).sort();
  assert.equal(roles, ['freezer', 'main', 'requests', 'runtime']);
  assert.ok(
    summary.threads.every(({ runMs }) => runMs > 0),
    JSON.stringify(summary.threads),
  );
});

test('prints tables and the verdict for people', async () => {
  await using rig = await Rig.create(MIXED);
  const ended = await flashfreeze(['snapshot', ...rig.blobArguments]);
  assert.is(ended.exitCode, 0, ended.stderr);
  for (const { mountPoint, device } of rig.disks.disks) {
    assert.match(ended.stdout, mountPoint);
    assert.match(ended.stdout, device);
  }
  assert.match(ended.stdout, 'fileSystemConsistent: 3 of 3 snapshots');
  assertNoSecret(ended, rig);
});

test('a blob that does not exist stops the run before anything is frozen', async () => {
  await using rig = await Rig.create(MIXED);
  const missing = rig.server.containerUrl().replace('?', '/nowhere?');
  const [first = '', , third = ''] = rig.server.urls;
  const args = [first, missing, third].flatMap((url) => ['--blob', url]);
  const { ended, freezes } = await freezesDuring(['snapshot', ...args]);
  assert.is(ended.exitCode, 2);
  assert.match(ended.stderr, 'FF_BLOB_NOT_FOUND');
  assert.match(ended.stderr, '/nowhere');
  assert.is(freezes, 0);
  assertNoSecret(ended, rig);
});

test('the count of freezes above does count: a good run freezes each file system once', async () => {
  await using rig = await Rig.create(MIXED);
  const { ended, freezes } = await freezesDuring(['snapshot', ...rig.blobArguments]);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.is(freezes, 3);
});

test('a server that never answers: thawed by the deadline, the disk is named, the others are kept', async () => {
  await using rig = await Rig.create(MIXED);
  await rig.server.setFault({
    blob: 'disk1',
    at: 'request',
    fault: { kind: 'no-answer', handled: false },
  });
  const ended = await inTime(
    1,
    (limitS) => flashfreeze(['snapshot', ...rig.blobArguments, '--timeout', `${limitS}`, '--json']),
    (it) => summaryOf(it).code === 761,
  );
  const summary = summaryOf(ended);
  assert.is(ended.exitCode, 1);
  assert.is(summary.code, 761);
  assert.match(summary.problems.join('\n'), rig.disks.disks[1]?.device ?? 'no device');
  assert.equal(
    summary.disks.map(({ snapshot }) => snapshot !== null),
    [true, false, true],
  );
  for (const { mountPoint } of rig.disks.disks) {
    writeFileSync(join(mountPoint, 'after'), 'writable again');
  }
});

test('freezes only the mount points asked for', async () => {
  await using rig = await Rig.create(MIXED);
  const mountPoint = rig.disks.disks[0]?.mountPoint ?? '';
  const [url = ''] = rig.server.urls;
  const ended = await flashfreeze(['snapshot', '--blob', url, '--mount', mountPoint, '--json']);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.equal(
    summaryOf(ended).fileSystems.map((it) => it.mountPoint),
    [mountPoint],
  );
});

test('reads blobs from standard input, out of sight of the process list', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const ended = await flashfreeze(['snapshot', '--blobs-from', '-', '--json'], {
    stdin: `# the only disk\n${rig.disks.disks[0]?.device}=${rig.server.urls[0]}\n`,
  });
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.is(summaryOf(ended).disks[0]?.device, rig.disks.disks[0]?.device);
});

test('takes a crash-consistent snapshot where no freeze is wanted', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const { ended, freezes } = await freezesDuring([
    'snapshot',
    ...rig.blobArguments,
    '--no-freeze',
    '--json',
  ]);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.is(summaryOf(ended).consistency, 'crashConsistent');
  assert.is(freezes, 0);
});

test('finds the disks without a freeze even if nothing can be frozen', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  await using raw = await RawDisks.create(1, 64 * 1_024 ** 2);
  const blobs = raw.disks.map(({ imagePath }) => ({ name: 'raw0', imagePath }));
  await using server = await blobServer(blobs);
  await runCommand('mount', ['-o', 'remount,ro', rig.disks.disks[0]?.mountPoint ?? '']);
  const rawBlobs = server.urls.flatMap((url) => ['--blob', url]);
  const ended = await flashfreeze([
    'snapshot',
    ...rig.blobArguments,
    ...rawBlobs,
    '--no-freeze',
    '--json',
  ]);
  assert.is(ended.exitCode, 0, ended.stderr);
  const summary = summaryOf(ended);
  assert.is(summary.consistency, 'crashConsistent');
  assert.equal(
    summary.disks.map(({ device }) => device),
    [...rig.disks.disks, ...raw.disks].map(({ device }) => device),
  );
});

test('refuses bad input with its own message and exit code 2, freezing nothing', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const good = rig.blobArguments;
  const expired = rig.server.sasUrl('disk0', { expires: new Date(0) });
  const readOnly = rig.server.sasUrl('disk0', { permissions: 'r' });
  const refused: readonly [string, readonly string[], string, string][] = [
    ['no such mount', [...good, '--mount', '/nowhere'], 'FF_MOUNT_NOT_FOUND', '/nowhere'],
    ['tmpfs as mount', [...good, '--mount', '/lab'], 'FF_MOUNT_NOT_FREEZABLE', '/lab'],
    ['not a URL', ['--blob', 'disk.vhd'], 'FF_URL_INVALID', 'expected'],
    ['http to another host', ['--blob', 'http://a.example/c/b?x'], 'FF_URL_INSECURE', 'https'],
    ['an expired SAS', ['--blob', expired], 'FF_BLOB_REFUSED', 'expired'],
    ['a SAS that may only read', ['--blob', readOnly], 'FF_BLOB_REFUSED', 'permission'],
    [
      'no such disk',
      ['--disk', `/dev/none=${rig.server.urls[0]}`],
      'FF_DEVICE_NOT_FOUND',
      '/dev/none',
    ],
    ['no blob', [], 'FF_USAGE', '--blob'],
    ['a misspelt option', [...good, '--timeot', '1'], '--timeout', 'unknown option'],
    [
      'nothing left',
      [...good, '--skip', rig.disks.disks[0]?.mountPoint ?? ''],
      'FF_NOTHING_TO_FREEZE',
      'skipped',
    ],
  ];
  for (const [name, args, code, words] of refused) {
    const ended = await flashfreeze(['snapshot', ...args]);
    assert.is(ended.exitCode, 2, `${name}: ${ended.stderr}`);
    assert.ok(ended.stderr.includes(code), `${name}: ${ended.stderr}`);
    assert.ok(ended.stderr.includes(words), `${name}: ${ended.stderr}`);
    assert.is(ended.stdout, '');
    assertNoSecret(ended, rig);
  }
});

test('says that it needs root', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const ended = await flashfreeze(['snapshot', ...rig.blobArguments], {
    under: ['setpriv', '--reuid', '65534', '--inh-caps=-all', '--bounding-set=-all'],
  });
  assert.is(ended.exitCode, 2, ended.stderr);
  assert.match(ended.stderr, 'FF_NOT_ROOT');
});

test('says that the kernel refuses to freeze, as for root of a user namespace', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const ended = await flashfreeze(['snapshot', ...rig.blobArguments, '--json'], {
    under: ['unshare', '--user', '--map-root-user'],
  });
  assert.is(ended.exitCode, 2, ended.stderr);
  assert.match(summaryOf(ended).problems.join('\n'), 'EPERM');
});

test.run();
